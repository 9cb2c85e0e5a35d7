import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import type { BatchItem } from '../call/batch/batch-item.ts'
import type { Call } from '../call/call.ts'
import { event } from '../contract/event.ts'
import { upcast } from '../contract/event-upcast.ts'
import { isShutdown } from '../error/shutdown.ts'
import { ServiceError } from '../error/service-error.ts'
import { defineConsumer } from '../handler/define-handler.ts'
import type { Arrival, BatchEndpoint, EventEndpoint, Transport } from '../transport/index.ts'
import { defineService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const payload = Type.Object({ orderId: Type.String() })
const placedV1 = event('shop.order.placed.v1', { key: 'orderId', payload })
const placed = event('shop.order.placed.v2', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String(), currency: Type.String({ default: 'EUR' }) }),
  upcasts: [upcast(placedV1, ({ orderId }) => ({ orderId, currency: 'CHF' }))],
})
type Item = BatchItem<{ orderId: string; currency: string }>
type Handle = (items: readonly Item[], call: Call) => unknown

describe('a handler that takes several messages at once', () => {
  test('gets those that fit their schemas in one call, in their order, each with what its message says', async () => {
    const seen: unknown[] = []
    await using started = await start((items, call) => {
      const { metadata, attempt, transport, operation } = call
      const told = items.map((item) => [item.payload, item.metadata, item.attempt, item.peer])
      seen.push(told, { metadata, attempt, transport, operation })
    })
    const messages = [arrivalOf({ orderId: 'a' }, { attempt: 3, metadata: { ce_id: '1' }, peer: 'placed/0@7' })]
    expect(await started.handle([...messages, arrivalOf({ orderId: 'b', currency: 'USD', stray: 1 })])).toEqual([
      'ok',
      'ok',
    ])
    expect(seen).toEqual([
      [
        [{ orderId: 'a', currency: 'EUR' }, { ce_id: '1' }, 3, 'placed/0@7'],
        [{ orderId: 'b', currency: 'USD' }, {}, 1, undefined],
      ],
      { metadata: {}, attempt: 1, transport: 'queue', operation: 'consume shop.order.placed.v2' },
    ])
    expect(started.told).toEqual(['info consume shop.order.placed.v2 succeeded'])
  })

  test('is not called for one that cannot be read or does not fit, which says why', async () => {
    await using started = await start(() => expect.unreachable())
    expect(await started.read(arrivalOf({ orderId: 1 }))).toMatchObject({
      ok: false,
      error: { code: 'invalid_argument', details: { violations: [{ field: '/orderId' }] } },
    })
    const broken = arrivalOf(
      {},
      {
        decode: () => {
          throw new ServiceError('invalid_argument', 'no JSON')
        },
      },
    )
    expect(await started.read(broken)).toMatchObject({ ok: false, error: { message: 'no JSON' } })
  })

  test('gets messages of older topics, brought up', async () => {
    const seen: unknown[] = []
    await using started = await start((items) => seen.push(...items.map((item) => item.payload)))
    await started.handle([arrivalOf({ orderId: 'a' })], started.endpoints[1]?.batch)
    expect(seen).toEqual([{ orderId: 'a', currency: 'CHF' }])
  })

  test('fails single messages by the code of what it says, and the others are handled', async () => {
    await using started = await start(([first, second, third]) => {
      first?.fail(new ServiceError('not_found', 'no such order', { reason: 'order_gone' }))
      // What is taken out of an item works too, and what is no error is a fault.
      const { fail } = third ?? { fail: () => undefined }
      fail('a text')
      second?.payload.orderId.trim()
    })
    const four = ['a', 'b', 'c', 'd'].map((orderId) => arrivalOf({ orderId }, { peer: orderId }))
    expect(await started.handle(four)).toEqual(['not_found', 'ok', 'internal', 'ok'])
    expect(started.told).toEqual([
      'info consume shop.order.placed.v2 failed: no such order {"peer":"a","attempt":1,"code":"not_found"}',
      'error consume shop.order.placed.v2 failed {"peer":"c","attempt":1,"code":"internal"}',
      'info consume shop.order.placed.v2 succeeded',
    ])
  })

  test('fails by throwing all that it has not failed one by one; the first word about a message counts', async () => {
    await using started = await start(async ([first, second]) => {
      first?.fail(new ServiceError('not_found', 'gone'))
      first?.fail(new ServiceError('aborted', 'changed its mind'))
      second?.fail(undefined)
      throw new ServiceError('unavailable', 'the database is away')
    })
    const three = ['a', 'b', 'c'].map((orderId) => arrivalOf({ orderId }))
    expect(await started.handle(three)).toEqual(['not_found', 'internal', 'unavailable'])
  })

  test('tells which failures are of the call, and of no message of its own', async () => {
    await using started = await start(([first]) => {
      first?.fail(new ServiceError('not_found', 'gone'))
      throw new ServiceError('unavailable', 'the database is away')
    })
    const messages = ['a', 'b', 'c'].map((orderId) => ({ payload: { orderId }, arrival: { metadata: {} } }))
    const outcomes = (await started.dispatch(messages)) ?? []
    expect(outcomes.map((outcome) => !outcome.ok && outcome.isOfBatch === true)).toEqual([false, true, true])
  })

  test('fails what its deadline overtook, and what it says then is too late', async () => {
    const late = Promise.withResolvers<void>()
    let items: readonly Item[] = []
    await using started = await start(async (given, call) => {
      items = given
      given[0]?.fail(new ServiceError('not_found', 'gone'))
      await late.promise
      expect(call.signal.aborted).toBe(true)
    })
    const outcomes = await started.handle([arrivalOf({ orderId: 'a' }), arrivalOf({ orderId: 'b' })], undefined, 1)
    expect(outcomes).toEqual(['not_found', 'deadline_exceeded'])
    const toldCount = started.told.length
    items[1]?.fail(new Error('late'))
    expect(started.told).toHaveLength(toldCount)
    late.resolve()
    await started.ended
  })

  test('is told in the log when it fails a message after it has returned, for that failure is lost', async () => {
    let items: readonly Item[] = []
    await using started = await start((given) => void (items = given))
    expect(await started.handle([arrivalOf({ orderId: 'a' }, { peer: 'placed/0@7' })])).toEqual(['ok'])
    items[0]?.fail(new ServiceError('not_found', 'gone'))
    expect(started.told.at(-1)).toBe(
      'error consume shop.order.placed.v2 failed a message of a batch after its call had ended; it counts as handled {"peer":"placed/0@7","attempt":1,"code":"not_found"}',
    )
  })

  test('has its interceptors around the batch, once', async () => {
    const order: string[] = []
    const interceptors = [
      async (call: Call, next: () => Promise<unknown>) => {
        order.push(`before ${call.operation}`)
        await next()
        order.push('after')
      },
    ]
    await using started = await start((items) => void order.push(`${items.length} items`), { interceptors })
    await started.handle([arrivalOf({ orderId: 'a' }), arrivalOf({ orderId: 'b' })])
    expect(order).toEqual(['before consume shop.order.placed.v2', '2 items', 'after'])
  })

  test('is not called once its service has stopped: its messages come again', async () => {
    await using started = await start(() => expect.unreachable())
    await started.stop()
    const [outcome] = (await started.dispatch([{ payload: {}, arrival: { metadata: {} } }])) ?? []
    expect(outcome?.ok === false && isShutdown(outcome.error)).toBe(true)
  })

  test.each<[what: string, handle: Handle, code: string]>([
    [
      'what it has failed, and then throws',
      ([item]) => {
        item?.fail(new ServiceError('out_of_range', 'colder than cold'))
        throw new ServiceError('unavailable', 'the database is away')
      },
      'out_of_range',
    ],
    [
      'what it only throws for',
      () => {
        throw new ServiceError('unavailable', 'the database is away')
      },
      'unavailable',
    ],
  ])('has the same said of %s, alone and in a batch', async (_what, handle, code) => {
    await using started = await start(handle)
    const arrival = arrivalOf({ orderId: 'a' })
    expect(await started.handle([arrival])).toEqual([code])
    expect(await started.endpoints[0]?.dispatch(arrival)).toMatchObject({ ok: false, error: { code } })
  })

  test('is told who sent each message, together and alone, where its transport asks', async () => {
    const senders: unknown[] = []
    const authenticate: ServiceOptions['authenticate'] = ({ metadata: { sender } }) =>
      sender === undefined ? undefined : { id: sender }
    const note: Handle = (items, { principal }) => senders.push(...items.map((item) => item.principal?.id), principal)
    await using started = await start(note, { authenticate })
    const [ada, bob] = ['ada', 'bob'].map((sender) =>
      arrivalOf({ orderId: sender }, { isTrusted: false, metadata: { sender } }),
    )
    if (!ada || !bob) return expect.unreachable()
    expect(await started.handle([ada, bob, arrivalOf({ orderId: 'c' })])).toEqual(['ok', 'ok', 'ok'])
    expect(senders.splice(0)).toEqual(['ada', 'bob', undefined, undefined])
    await started.endpoints[0]?.dispatch(ada)
    expect(senders).toEqual(['ada', { id: 'ada' }])
  })

  test('gets a message alone from a transport that puts none together', async () => {
    await using started = await start((items) => items[0]?.fail(new ServiceError('aborted', 'again')))
    const [endpoint] = started.endpoints
    expect(await endpoint?.dispatch(arrivalOf({ orderId: 'a' }))).toMatchObject({
      ok: false,
      error: { code: 'aborted' },
    })
    await using fine = await start((items) => expect(items).toHaveLength(1))
    expect(await fine.endpoints[0]?.dispatch(arrivalOf({ orderId: 'a' }))).toMatchObject({ ok: true })
  })
})

test('transports and descriptions are told of the batch', async () => {
  await using started = await start(() => undefined)
  expect(started.endpoints).toMatchObject(Array(2).fill({ batch: { maxCount: 10, maxWaitMs: 100 } }))
  expect(serviceOf(() => undefined).describe().consumers).toMatchObject([{ batch: { maxCount: 10, maxWaitMs: 100 } }])
})

/** Starts a service with the consumer, and is its transport. */
async function start(handle: Handle, options: Partial<ServiceOptions> = {}) {
  const endpoints: EventEndpoint[] = []
  const told: string[] = []
  const ended = Promise.withResolvers<void>()
  const service = serviceOf(handle, { ...options, transports: () => [recording(endpoints)] })
  const started = await service.start({ environment: {}, log: logInto(told) })
  told.length = 0
  const dispatch: BatchEndpoint['dispatch'] | undefined = endpoints[0]?.batch?.dispatch
  return {
    endpoints,
    told,
    ended: ended.promise,
    stop: () => started.stop(),
    [Symbol.asyncDispose]: async () => void (await started.stop()),
    read: (arrival: Arrival) => endpoints[0]?.batch?.read(arrival),
    dispatch: (messages: Parameters<BatchEndpoint['dispatch']>[0]['messages']) =>
      dispatch?.({ transport: 'queue', isTrusted: true, messages }),
    /** Reads messages and hands them over together; what became of each. */
    handle: async (arrivals: readonly Arrival[], batch = endpoints[0]?.batch, timeoutMs?: number) => {
      const messages = await Promise.all(
        arrivals.map(async (arrival) => {
          const outcome = await batch?.read(arrival)
          return { payload: outcome?.ok === true ? outcome.value : expect.unreachable(), arrival }
        }),
      )
      const told = { transport: 'queue', isTrusted: true, timeoutMs, ended: ended.resolve, messages }
      const outcomes = await batch?.dispatch(told)
      return outcomes?.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))
    },
  }
}

function serviceOf(handle: Handle, options: Partial<ServiceOptions> = {}) {
  return defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    log: { calls: 'all' },
    handlers: [defineConsumer(placed, () => handle, { batch: { maxCount: 10 } })],
    transports: () => [recording([])],
    ...options,
  })
}

function recording(into: EventEndpoint[]): Transport {
  const nothing = async () => undefined
  return {
    name: 'queue',
    carriesEvents: true,
    carries: () => true,
    bind: ({ events }) => {
      into.push(...events)
      return { listen: async () => [], withdraw: () => undefined, drain: nothing, close: nothing }
    },
  }
}

function arrivalOf(value: unknown, given: Partial<Arrival> = {}): Arrival {
  return { transport: 'queue', isTrusted: true, metadata: {}, decode: () => structuredClone(value), ...given }
}

/** Of messages alone which, how often and why, and nothing of how long it took. */
function logInto(told: string[]) {
  const at = (level: string) => (fields: object, message?: string) => {
    const { peer, attempt, code }: { peer?: unknown; attempt?: unknown; code?: unknown } = fields
    const facts = attempt === undefined ? '' : ` ${JSON.stringify({ peer, attempt, code })}`
    told.push(`${level} ${message}${facts}`)
  }
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return log
}
