import { describe, expect, it, onTestFinished } from 'vitest'
import { event } from '@tenon/core/contract'
import { type Arrival, compileSchema, type Outcome, ServiceError, toServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { connected, embeddedDrivers, type NewBroker } from '../../queue-driver.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import type { QueueOptions } from '../../queue-options.ts'
import { countdown, host, toRecord } from '../../queue-transport.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'

const Placed = Type.Object({ orderId: Type.String(), count: Type.Integer() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Placed })
const { topic } = placed
type Handle = (payload: Type.Static<typeof Placed>, arrival: Arrival) => Promise<unknown>

/** Messages of these keys in one partition, counted from 0. */
async function send(driver: QueueDriver, keys: readonly string[], from = 0): Promise<void> {
  const records = keys.map((orderId, index) => ({
    ...toRecord(JSON.stringify({ orderId, count: from + index }), orderId),
    topic,
    partition: 0,
  }))
  await driver.produce(records, { timeoutMs: 20_000 })
}

async function consume(driver: QueueDriver, handle: Handle, options: Partial<QueueOptions> = {}) {
  const schema = compileSchema(Placed)
  const dispatch = async (arrival: Arrival): Promise<Outcome> => {
    try {
      const input = await schema.read(arrival.decode())
      if (!input.ok) throw new ServiceError('invalid_argument', 'bad')
      return { ok: true, value: await handle(input.value, arrival), callId: 'c', headers: undefined }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), callId: 'c', headers: undefined }
    }
  }
  const transport = queueTransport({ driver, ...options })
  const server = transport.bind({ ...host, events: [{ event: placed, group: 'user', dispatch }] })
  await server.listen()
  onTestFinished(() => server.close())
  return { transport, server }
}

describe.each(embeddedDrivers)('a poison message on %s', (_name, newBroker: NewBroker) => {
  it('is set aside with those of its key behind it, and the others are handled meanwhile', async () => {
    const driver = await connected(newBroker()())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    const others = Array.from({ length: 3_000 }, (_, index) => (index % 100 === 0 ? 'poison' : `k${index % 40}`))
    await send(driver, ['poison', ...others])
    let isPoisoned = true
    const first = new Map<number, string>()
    const good = countdown(2_970)
    const poison = countdown(31)
    const handle: Handle = async ({ orderId, count }, { peer }) => {
      if (orderId === 'poison' && isPoisoned) throw new ServiceError('unavailable', 'not now')
      expect(peer).toBe(`${topic}/0@${count}`)
      expect(first.has(count)).toBe(false)
      first.set(count, orderId)
      if (orderId === 'poison') poison.tick()
      else good.tick()
    }
    const retry = { initialDelayMs: 20, maxDelayMs: 200 }
    const { transport } = await consume(driver, handle, { maxUncommittedCount: 50, retry })
    await good.reached
    expect([...first.values()]).not.toContain('poison')
    const [report] = await transport.consumers()
    expect(report?.parkedCount).toBeGreaterThan(0)
    isPoisoned = false
    await poison.reached
    const counts = [...first].filter(([, orderId]) => orderId === 'poison').map(([count]) => count)
    expect(counts).toEqual(counts.toSorted((one, other) => one - other))
    expect(first.size).toBe(3_001)
  })

  it('is not set aside when all others fail too', async () => {
    const driver = await connected(newBroker()())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    await send(
      driver,
      Array.from({ length: 200 }, (_, index) => `k${index % 40}`),
    )
    const failed = countdown(200)
    let isOut = true
    const done = countdown(200)
    const handle: Handle = async () => {
      if (isOut) {
        failed.tick()
        throw new ServiceError('unavailable', 'not now')
      }
      done.tick()
    }
    const retry = { initialDelayMs: 20, maxDelayMs: 100 }
    await consume(driver, handle, { maxUncommittedCount: 20, retry })
    await failed.reached
    await expect(driver.describe(`${topic}.retry.user`, 'user')).rejects.toMatchObject({ code: 'not_found' })
    isOut = false
    await done.reached
  })
})
