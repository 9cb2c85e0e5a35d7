import {
  type Call,
  defineHandler,
  defineService,
  detach,
  inject,
  provide,
  Publisher,
  ServiceError,
  token,
} from '@tenon/core'
import { contract } from '@tenon/core/contract'
import type { Logger } from '@tenon/core/transport'
import Type from 'typebox'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type MemoryBroker, memoryBroker } from '../driver/memory/memory-broker.ts'
import type { QueueDriver } from '../queue-driver.ts'
import { queueTransport } from '../queue-transport.ts'
import { outcomeOf, placed, SlowDriver } from './publisher.test-harness.ts'

const orders = contract('shop.order.v1.OrderService', {
  place: {
    input: Type.Object({ orderId: Type.String() }),
    output: Type.Object({}),
    timeoutMs: 1_000,
    queue: { topic: 'shop.order.place.v1', key: 'orderId' },
  },
})
const environment = { LOG_LEVEL: 'silent' }
const draining = { code: 'unavailable', reason: 'draining' }
const order = { orderId: 'o1', count: 1 }

afterEach(() => void vi.useRealTimers())

describe('a service without a queue', () => {
  it('does not start where something publishes, and says what to add', async () => {
    const service = defineService({
      name: 'order',
      version: '1.0.0',
      admin: false,
      handlers: [defineHandler(orders, () => (inject(Publisher), { place: async () => ({}) }))],
    })
    await expect(service.start({ environment })).rejects.toThrow(
      "nothing provides Publisher, asked for by shop.order.v1.OrderService: add queueTransport({ driver }) of @tenon/transport-queue to the service's transports",
    )
  })
})

describe('a service that drains', () => {
  it.each([
    ['outlives', false],
    ['ends with', true],
  ])(
    'on a broker that %s the process publishes what its calls and their detached work publish, and refuses anything else as draining',
    async (_what, isVolatile) => {
      const { driver, broker } = brokerThat({ isVolatile })
      const [running, begun, release] = [gate(), gate(), gate()]
      const told: unknown[] = []
      const { service, publisher } = serviceOf(driver, async (own, call) => {
        detach(async () => {
          await release.opened
          told.push(await outcomeOf(own.publish(placed, { ...order, count: 2 })))
        })
        call.draining.addEventListener('abort', begun.open)
        running.open()
        await begun.opened
        told.push(await outcomeOf(own.publish(placed, order)))
        await release.opened
      })
      const started = await service.start({ environment })
      await command(broker)
      await running.opened
      const stopping = started.stop()
      await begun.opened
      await new Promise((next) => setImmediate(next))
      // The test is no part of any call.
      expect(await outcomeOf(publisher().publish(placed, { ...order, count: 3 }))).toMatchObject(draining)
      release.open()
      expect((await stopping).exitCode).toBe(0)
      expect(told).toEqual(['published', 'published'])
      expect(countsIn(broker)).toEqual([1, 2])
    },
  )

  it('publishes what handlers and providers publish while they are disposed, and nothing after that', async () => {
    const { driver, broker } = brokerThat({ isVolatile: false })
    const told: unknown[] = []
    const cleaner = token<object>('cleaner')
    let kept: Publisher | undefined
    const service = defineService({
      name: 'order',
      version: '1.0.0',
      admin: false,
      handlers: [defineHandler(orders, () => (inject(cleaner), { place: async () => ({}) }))],
      providers: () => [
        provide(cleaner, {
          needs: [Publisher],
          create: (publisher) => ({
            [Symbol.asyncDispose]: async () => {
              kept = publisher
              told.push(await outcomeOf(publisher.publish(placed, order)))
            },
          }),
        }),
      ],
      transports: () => [queueTransport({ driver })],
    })
    const started = await service.start({ environment })
    expect((await started.stop()).exitCode).toBe(0)
    expect(told).toEqual(['published'])
    expect(countsIn(broker)).toEqual([1])
    expect(await outcomeOf(kept?.publish(placed, order) ?? Promise.resolve())).toMatchObject(draining)
  })

  it('sends what nobody awaited before it lets the broker go', async () => {
    const slow = new SlowDriver()
    const outcomes: Promise<unknown>[] = []
    const { service } = serviceOf(slow.driver, async (publisher) => {
      outcomes.push(outcomeOf(publisher.publish(placed, order)))
    })
    const started = await service.start({ environment })
    await command(slow.broker)
    await slow.handedOver(1)
    vi.useFakeTimers()
    const stopping = started.stop()
    await vi.advanceTimersByTimeAsync(6_000)
    expect(slow.closedCount).toBe(0)
    slow.produced[0]?.store()
    const { exitCode, phases } = await stopping
    expect(exitCode).toBe(0)
    // It is the drain that waits for it, while all that providers have is still there.
    expect(phases.find(({ phase }) => phase === 'drain')?.durationMs).toBeGreaterThanOrEqual(6_000)
    expect(await Promise.all(outcomes)).toEqual(['published'])
    expect(slow.closedCount).toBe(1)
  })

  it('ends with exit code 1 and an error when the broker did not take in time what nobody awaited', async () => {
    const slow = new SlowDriver()
    const outcomes: Promise<unknown>[] = []
    const { service } = serviceOf(slow.driver, async (publisher) => {
      outcomes.push(outcomeOf(publisher.publish(placed, order)))
    })
    const started = await service.start({ environment })
    await command(slow.broker)
    await slow.handedOver(1)
    vi.useFakeTimers()
    const stopping = started.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    const { exitCode, phases } = await stopping
    expect(exitCode).toBe(1)
    const failures = phases.flatMap(({ error }) => (error instanceof AggregateError ? error.errors : [error]))
    expect(failures.map(String).join()).toContain(
      '1 messages were given up, for Kafka at 10.0.0.7:9092 had not stored them in time',
    )
    expect(await Promise.all(outcomes)).toMatchObject([{ code: 'unavailable', reason: undefined }])
    expect(slow.closedCount).toBe(1)
  })
})

describe('an outage of the broker', () => {
  it('is in the log of the service, with what its callers are not told', async () => {
    const slow = new SlowDriver()
    const lines: object[] = []
    const warn = (fields: object, message: string) => void lines.push({ ...fields, message })
    const log = { debug() {}, info() {}, warn, error() {}, child: () => log }
    const told = Promise.withResolvers<unknown>()
    const { service } = serviceOf(slow.driver, async (publisher) => {
      told.resolve(await outcomeOf(publisher.publish(placed, order)))
    })
    await using _started = await service.start({ environment, log })
    await command(slow.broker)
    await slow.handedOver(1)
    slow.produced[0]?.refuse(new ServiceError('unavailable', 'no answer'))
    expect(await told.promise).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
    expect(lines).toContainEqual({
      message: 'messages cannot be published',
      topic: placed.topic,
      err: expect.objectContaining({
        message: expect.stringContaining('was not taken by Kafka at 10.0.0.7:9092: no answer'),
      }),
    })
  })
})

describe('an outage that outlasts the deadlines of calls', () => {
  it('is in the log all the same', async () => {
    const slow = new SlowDriver()
    const warn = vi.fn()
    const log = { debug() {}, info() {}, warn, error() {}, child: () => log }
    const told = await publishingAtDeadline(
      slow,
      async () => {
        await slow.handedOver(1)
        await vi.advanceTimersByTimeAsync(1_000)
        slow.produced[0]?.refuse(new ServiceError('unavailable', 'no answer within 1000 ms'))
      },
      { log },
    )
    expect(told).toMatchObject({ code: 'deadline_exceeded' })
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ topic: placed.topic }), 'messages cannot be published')
  })
})

describe('a service that is stopped while its publisher connects', () => {
  it('lets the connection go once it is there', async () => {
    const slow = new SlowDriver()
    const [connecting, connected] = [gate(), gate()]
    let closedCount = 0
    const driver = Object.assign(slow.driver, {
      connect: async () => {
        connecting.open()
        await connected.opened
      },
      close: async () => void (closedCount += 1),
    })
    const { service } = serviceOf(driver, async () => undefined)
    const starting = service.start({ environment })
    const refused = expect(starting).rejects.toMatchObject({ problems: [{ code: 'service.stopped' }] })
    await connecting.opened
    const stopping = service.stop()
    connected.open()
    await Promise.all([refused, stopping])
    expect(closedCount).toBe(1)
  })
})

describe('the deadline of a running call', () => {
  it('ends its wait for the broker, and is told as such; it is never sent along', async () => {
    const slow = new SlowDriver()
    const told = await publishingAtDeadline(slow, async () => {
      await slow.handedOver(1)
      expect(slow.produced[0]?.bound.timeoutMs).toBeLessThanOrEqual(1_000)
      expect(slow.produced[0]?.record.headers.map(([name]) => name)).not.toContain('ce_expirytime')
      await vi.advanceTimersByTimeAsync(1_000)
      slow.produced[0]?.refuse(new ServiceError('unavailable', 'no answer within 1000 ms'))
    })
    expect(told).toMatchObject({
      code: 'deadline_exceeded',
      message: 'the deadline passed before the message was published',
    })
  })

  it('ends its wait for a topic', async () => {
    const slow = new SlowDriver()
    slow.ensure = () => (slow.ensured.at(-1) === placed.topic ? new Promise(() => undefined) : Promise.resolve())
    const told = await publishingAtDeadline(slow, () => vi.advanceTimersByTimeAsync(1_000))
    expect(told).toMatchObject({ code: 'deadline_exceeded' })
    expect(slow.produced).toEqual([])
  })

  it('keeps what is published after it from being sent', async () => {
    const slow = new SlowDriver()
    const told = await publishingAtDeadline(slow, () => vi.advanceTimersByTimeAsync(1_000), { isLate: true })
    expect(told).toMatchObject({ code: 'deadline_exceeded' })
    expect(slow.produced).toEqual([])
  })
})

/** What a handler's publishing came to whose deadline, a second, passes as the test lets it. */
async function publishingAtDeadline(
  slow: SlowDriver,
  passTime: () => Promise<unknown>,
  { isLate = false, log }: { readonly isLate?: boolean; readonly log?: Logger } = {},
): Promise<unknown> {
  const [running, passed] = [gate(), gate()]
  const told = Promise.withResolvers<unknown>()
  const { service } = serviceOf(slow.driver, async (publisher) => {
    running.open()
    if (isLate) await passed.opened
    told.resolve(await outcomeOf(publisher.publish(placed, order)))
  })
  const started = await service.start({ environment, ...(log && { log }) })
  vi.useFakeTimers()
  await command(slow.broker)
  await vi.advanceTimersByTimeAsync(0)
  await running.opened
  await passTime()
  passed.open()
  const outcome = await told.promise
  vi.useRealTimers()
  for (const { store } of slow.produced) store()
  await started.stop()
  return outcome
}

/** A service with one handler, and what publishes for it. */
function serviceOf(driver: QueueDriver, place: (publisher: Publisher, call: Call) => Promise<unknown>) {
  let injected: Publisher | undefined
  const handler = defineHandler(orders, () => {
    const publisher = inject(Publisher)
    injected = publisher
    return {
      place: async (_input, call) => {
        await place(publisher, call)
        return {}
      },
    }
  })
  const service = defineService({
    name: 'order',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [queueTransport({ driver })],
  })
  const publisher = () => injected ?? expect.fail('the service has not started')
  return { service, publisher }
}

/** A memory broker, which may be taken for one that outlives the process. */
function brokerThat({ isVolatile }: { readonly isVolatile: boolean }) {
  const broker = memoryBroker({ partitionCount: 1 })
  return { broker, driver: Object.assign(memoryDriver({ broker }), { isVolatile }) }
}

async function command(broker: MemoryBroker): Promise<void> {
  const record = {
    topic: 'shop.order.place.v1',
    key: Buffer.from('o1'),
    value: Buffer.from('{"orderId":"o1"}'),
    headers: [],
  }
  await memoryDriver({ broker }).produce([record], { timeoutMs: 1_000 })
}

function countsIn(broker: MemoryBroker): readonly number[] {
  return broker.records(placed.topic).map(({ value }) => Number(JSON.parse(String(value)).count))
}

function gate() {
  const { promise: opened, resolve } = Promise.withResolvers<void>()
  return { opened, open: () => resolve() }
}
