import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@tenon/core/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kafkaDefaults, type KafkaOptions, resolveKafka } from './kafka-options.ts'
import type { KafkaSaslOptions } from './kafka-security.ts'

describe('resolveKafka', () => {
  it('fills in the defaults, and takes what is undefined for left out', () => {
    const nothing: object = { lingerMs: undefined, tls: undefined, clientId: undefined }
    const settings = resolve({ ...nothing })
    expect(settings).toMatchObject({ ...kafkaDefaults, brokers: ['kafka:9092'], heartbeatIntervalMs: 3_000 })
    expect(settings.tls).toBeUndefined()
  })

  it('tells every problem at once, with what was expected', () => {
    const wrong: object = { brokers: ['kafka'], lingerMs: -1, maxBatchBytes: 3.5, clientID: 'x', compression: 'zip' }
    expect(() => resolve(wrong)).toThrow(ConfigError)
    expect(() => resolve(wrong)).toThrow(
      /"clientID" is no option, perhaps clientId[^]*host:port, found "kafka"[^]*lingerMs must be a whole number from 0 to 1000, found -1[^]*maxBatchBytes[^]*compression must be one of none, gzip, found "zip"/,
    )
  })

  it.each([
    [undefined, 'the options must be an object with brokers'],
    [{ brokers: 'kafka:9092' }, 'brokers is empty'],
    [{ brokers: ['kafka:0'] }, 'found "kafka:0"'],
    [{ brokers: ['kafka:65536'] }, 'found "kafka:65536"'],
    [{ brokers: ['[::1]:9092'] }, 'found "[::1]:9092"'],
    [{ brokers: [3] }, 'found 3'],
    [{ brokers: ['k:1'], clientId: '' }, 'clientId must be a text'],
    [{ brokers: ['k:1'], sessionTimeoutMs: 900 }, 'sessionTimeoutMs'],
    [{ brokers: ['k:1'], heartbeatIntervalMs: 20_000 }, 'heartbeatIntervalMs must be a whole number from 100 to 10000'],
    [{ brokers: ['k:1'], tls: true }, 'tls must be an object'],
    [{ brokers: ['k:1'], tls: { ca: 'no pem' } }, 'tls.ca must be a PEM text'],
    [{ brokers: ['k:1'], tls: { servername: 'k' } }, '"servername" is no option, perhaps serverName'],
    [{ brokers: ['k:1'], tls: { serverName: 'a b' } }, 'tls.serverName must be a host name'],
    [{ brokers: ['k:1'], sasl: 'plain' }, 'sasl must be an object'],
    [{ brokers: ['k:1'], sasl: { mechanism: 'PLAIN' } }, 'sasl.mechanism must be one of plain, scram-sha-256'],
    [{ brokers: ['k:1'], sasl: { mechanism: 'plain', password: 'x' } }, 'sasl.username must be a text'],
    [{ brokers: ['k:1'], sasl: { mechanism: 'plain', username: 'u' } }, 'sasl.password must be a text or a Secret'],
    [{ brokers: ['k:1'], sasl: { mechanism: 'oauthbearer', token: 'x' } }, 'sasl.token must be a function'],
  ])('refuses %o', (given, told) => {
    expect(() => resolveKafka(given as unknown as KafkaOptions, owner)).toThrow(told)
  })

  it('takes a password as a text and as a Secret', () => {
    const mechanism = 'scram-sha-512'
    const hidden = { toString: () => '***', toJSON: () => '***' }
    expect(resolve({ sasl: { mechanism, username: 'u', password: 'p' } }).sasl).toMatchObject({ username: 'u' })
    expect(
      resolve({ sasl: { mechanism, username: 'u', password: { ...hidden, reveal: () => 'p' } } }).sasl,
    ).toBeDefined()
  })

  it('takes a certificate with its key, and refuses one without or with another', () => {
    const [one, other] = [certificate(), certificate()]
    expect(resolve({ tls: { ca: [one.cert, other.cert], ...one } }).tls).toMatchObject(one)
    expect(() => resolve({ tls: { cert: one.cert } })).toThrow('tls.cert and tls.key belong together, found only cert')
    expect(() => resolve({ tls: { cert: one.cert, key: other.key } })).toThrow('cannot be used together')
  })

  it('quotes neither a password nor a key', () => {
    const sasl: object = { mechanism: 'plain', username: 3, password: 'hush' }
    const wrong = { sasl: sasl as KafkaSaslOptions, tls: { cert: 'hush', key: 'hush' }, lingerMs: -1 }
    expect(() => resolve(wrong)).toThrow(ConfigError)
    expect(() => resolve(wrong)).not.toThrow('hush')
  })
})

const owner = { name: 'kafkajsDriver', choices: { compression: ['none', 'gzip'] } } as const

function resolve(options: Partial<KafkaOptions>) {
  return resolveKafka({ brokers: ['kafka:9092'], ...options }, owner)
}

function certificate(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-kafka-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...curve, '-subj', '/CN=kafka', '-keyout', key, '-out', cert], {
    stdio: 'pipe',
  })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
