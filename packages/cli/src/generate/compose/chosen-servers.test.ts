import { optional, secret, text } from '@tenon/core'
import { memoryRegistry } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { chosenServers, type ServerChoice } from './chosen-servers.ts'
import { composed, connectsTo } from './composed-service.test-harness.ts'

function chosen(service: ReturnType<typeof composed>, choice: Partial<ServerChoice> = {}): readonly string[] {
  return chosenServers([service], { with: [], without: [], ...choice }).map(({ name }) => name)
}

describe('the servers of a compose file', () => {
  it.each([
    ['KAFKA_BROKERS', ['kafka']],
    ['BROKERS', ['kafka']],
    ['DATABASE_URL', ['postgres']],
    ['ORDER_DATABASE_URL', ['postgres']],
    ['POSTGRES_URI', ['postgres']],
    ['MY_DATABASE_URL_FILE', []],
    ['REDIS_URL', []],
  ])('a service with the setting %s needs %j', (variable, expected) => {
    expect(chosen(composed({ name: 'a', config: { place: secret(text(variable)) } }))).toEqual(expected)
  })

  it('a service that is registered needs Consul, and one that has only a setting for it too', () => {
    expect(chosen(composed({ name: 'a', registry: () => memoryRegistry() }))).toEqual(['consul'])
    expect(chosen(composed({ name: 'a', config: { consul: optional('CONSUL_HTTP_ADDR') } }))).toEqual(['consul'])
  })

  it('a provider that says it connects to the port of PostgreSQL needs it, whatever its setting is called', () => {
    expect(chosen(composed({ name: 'a', ...connectsTo('postgres://u:p@127.0.0.1:5432/x') }))).toEqual(['postgres'])
  })

  it('what the file of settings sets is not looked for', () => {
    const options = { name: 'a', config: { place: text('DATABASE_URL') } }
    expect(chosen(composed(options, { DATABASE_URL: 'postgres://u:p@db.example.com:6432/x' }))).toEqual([])
  })

  it('are those that were asked for and not those that were left out', () => {
    const service = composed({ name: 'a', config: { brokers: text('KAFKA_BROKERS') } })
    expect(chosen(service, { with: ['consul'] })).toEqual(['kafka', 'consul'])
    expect(chosen(service, { without: ['kafka'] })).toEqual([])
  })
})
