import { ConfigError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { loadPlatformatic, toClientOptions } from './platformatic-client.ts'
import { resolvePlatformatic } from './platformatic-options.ts'

describe('loadPlatformatic', () => {
  it('names the command that installs the package when it is missing', async () => {
    const loading = loadPlatformatic(() => Promise.reject(new Error('Cannot find package')))
    await expect(loading).rejects.toThrow(ConfigError)
    await expect(loading).rejects.toThrow('npm install @platformatic/kafka')
  })

  it('finds all that is used of it', async () => {
    const library = await loadPlatformatic()
    for (const name of ['Base', 'ConnectionPool', 'Producer', 'Admin', 'kGetApi', 'kGetBootstrapConnection'] as const)
      expect(library[name], name).toBeDefined()
  })
})

describe('toClientOptions', () => {
  it.each([
    [['kafka:9093'], undefined, true],
    [['10.0.0.1:9093'], undefined, false],
    [['10.0.0.1:9093'], 'kafka.test', 'kafka.test'],
  ])('tells brokers at %j, with serverName %s, that the name is %s', (brokers, serverName, told) => {
    const tls = serverName === undefined ? {} : { serverName }
    const settings = resolvePlatformatic({ brokers, tls })
    expect(toClientOptions({ settings, clientId: 'c', tokens: undefined })).toMatchObject({ tlsServerName: told })
  })
})
