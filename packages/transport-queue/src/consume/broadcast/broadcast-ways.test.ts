import { type BatchItem, type Call, defineConsumer, defineService } from '@tenon/core'
import { event, type Payload } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { connected, embeddedDrivers } from '../../queue-driver.test-harness.ts'
import type { QueueOptions } from '../../queue-options.ts'
import { queueTransport } from '../../queue-transport.ts'
import { logInto } from '../../queue-transport.test-harness.ts'

const placed = event('shop.order.placed.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String(), count: Type.Integer() }),
})
const { topic } = placed
type Order = Payload<typeof placed>

describe.each(embeddedDrivers)('a broadcast on %s', (_name, newBroker) => {
  it('of batches gives every process all messages, at most one of a key at a time, and drops what fails for good', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 1 }])
    const processes = await Promise.all([startBatches(newDriver()), startBatches(newDriver())])
    await send(sender, ['a', 'b', 'c', 'a', 'bad', 'b'])
    const names = ['a0', 'a3', 'b1', 'b5', 'c2']
    for (const { batches, told } of processes) {
      await vi.waitFor(() => expect(namesIn(batches).toSorted()).toEqual(['bad4', 'bad4', ...names].toSorted()), 20_000)
      expect(batches.some(({ length }) => length > 1)).toBe(true)
      for (const batch of batches) expect(new Set(batch.map(({ orderId }) => orderId)).size).toBe(batch.length)
      for (const key of ['a', 'b'])
        expect(countsOf(key, batches)).toEqual(countsOf(key, batches).toSorted((x, y) => x - y))
      const given = () => told.filter((line) => Array.isArray(line) && line[0] === 'error')
      await vi.waitFor(() =>
        expect(given()).toMatchObject([
          ['error', { offset: 4, code: 'aborted', attemptCount: 2 }, expect.stringContaining('dropped')],
        ]),
      )
    }
    await expect(sender.describe(`${topic}.dlq.user`, 'user')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('that halts keys keeps what is used up, and its key behind it, in this process until it is given attempts anew', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 1 }])
    const [seen, cured]: [string[], Set<string>] = [[], new Set()]
    const startOne = (name: string) =>
      start(newDriver(), (order: Order) => {
        if (order.orderId === 'poison' && !cured.has(name)) throw new ServiceError('internal', 'not this one')
        seen.push(`${name} ${nameOf(order)}`)
      })
    const [one, other] = [await startOne('one'), await startOne('other')]
    await send(sender, ['poison', 'good', 'poison', 'good'])
    for (const { transport } of [one, other])
      await vi.waitFor(
        async () => expect(await transport.consumers()).toMatchObject([{ haltedCount: 1, stalls: [] }]),
        20_000,
      )
    await vi.waitFor(() => expect(seen.toSorted()).toEqual(['one good1', 'one good3', 'other good1', 'other good3']))
    expect((await one.transport.consumers())[0]?.oldest).toMatchObject([
      { stage: 'halted', offset: 0, attemptCount: 2 },
    ])
    // What one process halts is no other's, and neither is what goes on.
    cured.add('one')
    expect(await one.transport.retryHalted({ topic })).toBe(1)
    await vi.waitFor(() => expect(seen.slice(4)).toEqual(['one poison0', 'one poison2']))
    expect(await other.transport.consumers()).toMatchObject([{ haltedCount: 1 }])
    cured.add('other')
    expect(await other.transport.retryHalted({ topic })).toBe(1)
    await vi.waitFor(() => expect(seen.slice(6)).toEqual(['other poison0', 'other poison2']))
  })
})

const retry = { maxAttemptCount: 2, initialDelayMs: 0, maxDelayMs: 0 } as const

/** A process of batches that fails what is bad. */
async function startBatches(driver: QueueDriver) {
  const batches: (readonly Order[])[] = []
  const handle = (items: readonly BatchItem<Order>[]) => {
    batches.push(items.map(({ payload }) => payload))
    for (const { payload, fail } of items) if (payload.orderId === 'bad') fail(new ServiceError('aborted', 'no'))
  }
  const batch = { maxCount: 3, maxWaitMs: 20 }
  const consumer = defineConsumer(placed, () => handle, { broadcast: true, batch, retry })
  const { told } = await startWith(driver, consumer)
  return { batches, told }
}

function start(driver: QueueDriver, handle: (order: Order, call: Call) => void) {
  return startWith(
    driver,
    defineConsumer(placed, () => handle, { broadcast: true, retry: { ...retry, onExhausted: 'halt-key' } }),
  )
}

async function startWith(
  driver: QueueDriver,
  consumer: ReturnType<typeof defineConsumer>,
  options: Partial<QueueOptions> = {},
) {
  const told: unknown[] = []
  const transport = queueTransport({ driver, ...options })
  const bind = transport.bind.bind(transport)
  Object.assign(transport, { bind: (host: Parameters<typeof bind>[0]) => bind({ ...host, log: logInto(told) }) })
  const service = defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [consumer],
    transports: () => [transport],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  onTestFinished(async () => void (await started.stop()))
  return { transport, told }
}

async function send(driver: QueueDriver, keys: readonly string[]): Promise<void> {
  const records = keys.map((orderId, count) => ({
    topic,
    key: Buffer.from(orderId),
    value: Buffer.from(JSON.stringify({ orderId, count })),
    headers: [],
  }))
  await driver.produce(records, { timeoutMs: 20_000 })
}

function nameOf({ orderId, count }: Order): string {
  return `${orderId}${count}`
}

function namesIn(batches: readonly (readonly Order[])[]): readonly string[] {
  return batches.flat().map(nameOf)
}

function countsOf(key: string, batches: readonly (readonly Order[])[]): readonly number[] {
  return batches.flat().flatMap(({ orderId, count }) => (orderId === key ? [count] : []))
}
