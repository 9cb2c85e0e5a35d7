import { Buffer } from 'node:buffer'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Logger } from '@tenon/core/transport'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { kafkajsDriver } from '../kafkajs/kafkajs-driver.ts'
import { platformaticDriver } from '../platformatic/platformatic-driver.ts'
import { account, brokerAbsence, KafkaBroker, type Listener } from './kafka-broker.test-harness.ts'
import type { KafkaOptions } from './kafka-options.ts'
import type { KafkaSaslOptions } from './kafka-security.ts'

const skipped = brokerAbsence === undefined ? '' : ` (skipped: ${brokerAbsence})`
let broker: KafkaBroker

describe.skipIf(skipped !== '')(`Kafka that knows its clients${skipped}`, () => {
  beforeAll(async () => {
    broker = await KafkaBroker.start()
  })
  afterAll(() => broker[Symbol.asyncDispose]())

  describe.for(['kafkajs', 'platformatic'] as const)('%s', (client) => {
    const make = client === 'kafkajs' ? kafkajsDriver : platformaticDriver
    const open = (listener: Listener, options: Partial<KafkaOptions> = {}) =>
      make({ brokers: [broker.address(listener)], connectTimeoutMs: 20_000, ...options })

    it('speaks TLS, and shows its certificate to a broker that asks for it', async () => {
      const driver = open('tls', { tls: { ca: broker.authority.cert, ...broker.identity('client') } })
      await roundTrip(driver, `${client}-tls`)
    })

    it('trusts no broker whose certificate its authorities have not signed', async () => {
      const driver = open('tls', { tls: { ...broker.identity('client') }, connectTimeoutMs: 2_000 })
      await expect(driver.connect({ clientId: 'test' })).rejects.toThrow(/no connection to Kafka.*certificate/i)
    })

    it('is refused without a certificate by a broker that asks for one', async () => {
      const driver = open('tls', { tls: { ca: broker.authority.cert }, connectTimeoutMs: 2_000 })
      await expect(driver.connect({ clientId: 'test' })).rejects.toThrow('no connection to Kafka')
      await driver.close()
    })

    it('takes the name that the certificate is for from serverName', async () => {
      const tls = { ca: broker.authority.cert, ...broker.identity('client') }
      await roundTrip(open('tls', { tls: { ...tls, serverName: 'kafka.test' } }), `${client}-name`)
      const other = open('tls', { tls: { ...tls, serverName: 'other.test' }, connectTimeoutMs: 2_000 })
      await expect(other.connect({ clientId: 'test' })).rejects.toThrow(/no connection to Kafka.*other\.test/)
    })

    it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('says who it is by %s', async (mechanism) => {
      await roundTrip(open('sasl', { sasl: { mechanism, ...account } }), `${client}-${mechanism}`)
    })

    it('says who it is over TLS', async () => {
      const sasl = { mechanism: 'scram-sha-512', ...account } as const
      await roundTrip(open('sasl-tls', { sasl, tls: { ca: broker.authority.cert } }), `${client}-sasl-tls`)
    })

    it.each(['plain', 'scram-sha-512'] as const)(
      'is told that a password is wrong for %s, and tells nobody the password',
      async (mechanism) => {
        const sasl = { mechanism, username: account.username, password: 'hush-wrong' }
        const driver = open('sasl', { sasl, connectTimeoutMs: 3_000 })
        const failure = await driver.connect({ clientId: 'test' }).catch((error: unknown) => error)
        expect(String(failure)).toMatch(/no connection to Kafka.*authentication failed/i)
        expect(inspect({ failure, driver }, { depth: 20, showHidden: true })).not.toContain('hush-wrong')
        await driver.close()
      },
    )

    it('asks for a token again before it expires, while the broker would end connections without', async () => {
      let count = 0
      const token = async () => ({ value: unsecuredToken(++count), expiresAt: Date.now() + 2_000 })
      const asked = Promise.withResolvers<void>()
      const sasl: KafkaSaslOptions = {
        mechanism: 'oauthbearer',
        token: async () => {
          if (count >= 2) asked.resolve()
          return token()
        },
      }
      const driver = open('sasl', { sasl })
      await roundTrip(driver, `${client}-token`, async (send) => {
        let isEnough = false
        void asked.promise.then(() => (isEnough = true))
        while (!isEnough) await send()
      })
      expect(count).toBeGreaterThanOrEqual(3)
    })

    it('tells that a topic or a group may not be looked at, or not be committed beside another', async () => {
      const sasl = { mechanism: 'plain', ...account } as const
      const driver = open('sasl', { sasl })
      onTestFinished(() => driver.close())
      await driver.connect({ clientId: 'test' })
      const [source, hidden, unread] = [`${client}-source`, `${client}-hidden`, `${client}-unread`]
      await driver.ensureTopics([source, hidden, unread].map((topic) => ({ topic, partitionCount: 1 })))
      await broker.deny('topic', hidden, 'describe')
      await broker.deny('topic', unread, 'read')
      await broker.deny('group', `${client}-others`, 'describe')
      const refused = { code: 'permission_denied' }
      await expect(driver.describe(hidden, 'any')).rejects.toMatchObject(refused)
      await expect(driver.offsetsAt(hidden, 'latest')).rejects.toMatchObject(refused)
      // kafkajs does not tell why nobody coordinates a group for it. Who may not look at a group may not join it either.
      const ofGroup = client === 'kafkajs' ? { code: 'unavailable' } : refused
      await expect(driver.describe(source, `${client}-others`)).rejects.toMatchObject(ofGroup)
      await expect(driver.describe(source, 'any')).resolves.toMatchObject([{ nextOffset: 0 }])
      const beside = Promise.withResolvers<unknown>()
      const consume = async (partition: AssignedPartition) => {
        await partition.startOffset()
        beside.resolve(await partition.commitBeside(unread, 0).catch((error: unknown) => error))
      }
      const membership = { group: `${client}-own`, topics: [source], log: recorder([]), consume, fail: beside.reject }
      const member = await driver.join(membership, new AbortController().signal)
      expect(await beside.promise).toMatchObject(refused)
      await member.leave(AbortSignal.abort())
    })

    it('tells nobody the token that a broker refuses', async () => {
      const sasl = { mechanism: 'oauthbearer', token: async () => ({ value: 'hush-token' }) } as const
      const driver = open('sasl', { sasl, connectTimeoutMs: 3_000 })
      const failure = await driver.connect({ clientId: 'test' }).catch((error: unknown) => error)
      expect(String(failure)).toContain('no connection to Kafka')
      expect(inspect({ failure, driver }, { depth: 20, showHidden: true })).not.toContain('hush-token')
      await driver.close()
    })
  })
})

/** Sends messages and reads them as a group; in the log and in what the driver shows of itself there is no password. */
async function roundTrip(
  driver: QueueDriver,
  name: string,
  meanwhile: (send: () => Promise<void>) => Promise<void> = async () => undefined,
): Promise<void> {
  onTestFinished(() => driver.close())
  const lines: unknown[] = []
  const log = recorder(lines)
  await driver.connect({ clientId: 'test' })
  const topic = `${name}.v1`
  await driver.ensureTopics([{ topic, partitionCount: 1 }])
  const send = () => driver.produce([{ topic, key: null, value: Buffer.from('1'), headers: [] }], { timeoutMs: 20_000 })
  await send()
  await meanwhile(send)
  const received = Promise.withResolvers<string>()
  const member = await driver.join(
    {
      group: `${name}-group`,
      topics: [topic],
      log,
      consume: async (partition) => {
        for (const { value } of await partition.fetch()) received.resolve(String(value))
      },
      fail: received.reject,
    },
    new AbortController().signal,
  )
  expect(await received.promise).toBe('1')
  await member.leave(AbortSignal.abort())
  expect(inspect({ lines, driver }, { depth: 20, showHidden: true })).not.toContain(account.password)
}

function recorder(lines: unknown[]): Logger {
  const add = (...line: readonly unknown[]) => void lines.push(line)
  const log: Logger = { debug: add, info: add, warn: add, error: add, child: () => log }
  return log
}

/** As a broker takes it that checks no signature. @see RFC 7515 appendix A.5 */
function unsecuredToken(count: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Date.now() / 1_000
  return `${part({ alg: 'none' })}.${part({ sub: account.username, jti: String(count), iat: now - 1, exp: now + 60 })}.`
}
