import { memoryRegistry } from '@tenon/core/registry'
import { httpTransport } from '@tenon/transport-http'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chosenServers } from './chosen-servers.ts'
import { composeFiles } from './compose-files.ts'
import { composed } from './composed-service.test-harness.ts'
import { callerOptions, stockOptions } from './composed-shop.test-harness.ts'

function filesOf(...services: readonly ReturnType<typeof composed>[]) {
  const files = composeFiles(services, chosenServers(services, { with: [], without: [] }))
  const text = files.find(({ path }) => path === 'compose.yaml')?.text ?? ''
  return { files, text, content: parse(text) }
}

describe('a compose file', () => {
  it('has the services and what they wait for, none of which waits for another service', () => {
    const { content, files } = filesOf(composed(stockOptions), composed(callerOptions()))
    expect(content.name).toBe('stock-room-caller')
    expect(Object.keys(content.services)).toEqual(['stock-room', 'caller', 'kafka', 'postgres'])
    expect(content.services['stock-room'].depends_on).toEqual({ postgres: { condition: 'service_healthy' } })
    expect(content.services.caller.depends_on).toEqual({ kafka: { condition: 'service_healthy' } })
    expect(content.volumes).toEqual({ 'kafka-data': {}, 'postgres-data': {} })
    expect(files.map(({ path, isStarter = false }) => [path, isStarter])).toEqual([
      ['compose.yaml', false],
      ['stock-room.env', true],
      ['caller.env', true],
    ])
  })

  it('gives a service no more than it needs, on this machine only', () => {
    const { content } = filesOf(composed({ name: 'a', transports: () => [httpTransport({ port: 8080 })] }))
    expect(content).toEqual({
      name: 'a',
      services: {
        a: {
          image: 'a:1.0.0',
          environment: { TENON_HOST: '0.0.0.0', TENON_KILL_DELAY_MS: '26000' },
          env_file: ['a.env'],
          ports: ['127.0.0.1:8080:8080', '127.0.0.1:9000:9000'],
          stop_grace_period: '26s',
          init: false,
          user: '65532:65532',
          read_only: true,
          tmpfs: ['/tmp:size=64m'],
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
        },
      },
    })
  })

  it('builds an image where none is named', () => {
    const image = { context: '..', dockerfile: 'deploy/a.Dockerfile' }
    expect(filesOf({ ...composed({ name: 'a' }), image }).content.services.a.build).toEqual(image)
  })

  it('says beside each number where it comes from', () => {
    const { text } = filesOf(composed({ ...stockOptions, shutdownTimeoutMs: 12_345 }), composed(callerOptions()))
    expect(text).toContain(
      'stop_grace_period: 14s # shutdownTimeoutMs 12345 + 1000 ms for the process itself, rounded up',
    )
    const bare = text
      .split('\n')
      .filter((line) => /^ +\w+: '?\d+[sm]?'?$|^ +- [\d.]+:\d+/.test(line) && !line.includes('#'))
    // The comment above the first one speaks of them all.
    expect(bare.filter((line) => !/(REPLICATION_FACTOR|MIN_ISR|NODE_ID): '1'$/.test(line))).toEqual([])
  })

  it('tells Kafka to name the port that is published, and lets nothing else of the machine in', () => {
    const caller = composed(callerOptions())
    const { content } = filesOf(composed({ name: 'a', transports: () => [httpTransport({ port: 9092 })] }), caller)
    const { environment, ports } = content.services.kafka
    expect(ports).toEqual(['127.0.0.1:9093:9092'])
    expect(environment.KAFKA_ADVERTISED_LISTENERS).toBe('INSIDE://kafka:19092,OUTSIDE://127.0.0.1:9093')
  })

  it('brings Consul to what is registered', () => {
    const { content } = filesOf(composed({ name: 'a', registry: () => memoryRegistry() }))
    expect(content.services.a.depends_on).toEqual({ consul: { condition: 'service_healthy' } })
    expect(content.services.consul.ports).toEqual(['127.0.0.1:8500:8500'])
  })
})
