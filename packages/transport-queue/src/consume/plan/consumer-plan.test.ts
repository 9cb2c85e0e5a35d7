import { contract, type DeliveryOptions, event, type EventType, type RetryOptions, upcast } from '@tenon/core/contract'
import { ConfigError, ContractError, WiringError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import { resolveQueue } from '../../queue-options.ts'
import { planConsumers } from './consumer-plan.ts'

const payload = Type.Object({ id: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'id', payload })
const cancelled = event('shop.order.cancelled.v1', { key: 'id', payload })
const orders = contract('shop.order.v1.OrderService', {
  place: { input: payload, output: payload, queue: { topic: 'shop.order.place.v1', key: 'id' } },
  charge: { input: payload, output: payload, queue: { topic: 'shop.order.charge.v1', key: 'id', group: 'billing' } },
  get: { input: payload, output: payload, http: 'GET /v1/orders/:id' },
})

describe('planConsumers', () => {
  it('puts commands into the group of the service and events into their own, one consumer a group', () => {
    const plan = planConsumers(
      hostOf([orders.place, orders.charge, orders.get], [at(placed, 'billing'), at(cancelled, 'order')]),
      settings,
    )
    expect(plan.map(({ group, consumers }) => [group, [...consumers.keys()]])).toEqual([
      ['order', ['shop.order.place.v1', 'shop.order.cancelled.v1']],
      ['billing', ['shop.order.charge.v1', 'shop.order.placed.v1']],
    ])
    expect(plan[0]?.consumers.get('shop.order.place.v1')?.handler).toBe('shop.order.v1.OrderService/place')
  })

  it('refuses two handlers of one topic in one group', () => {
    const plan = () =>
      planConsumers(hostOf([], [at(placed, 'order'), at(placed, 'order'), at(placed, 'other')]), settings)
    expect(plan).toThrow(WiringError)
    expect(plan).toThrow('only one handler of group "order" can consume topic shop.order.placed.v1')
  })

  it('refuses a group that cannot be part of a topic', () => {
    const plan = () => planConsumers(hostOf([], [at(placed, 'user service')]), settings)
    expect(plan).toThrow(ContractError)
    expect(plan).toThrow('found "user service"')
  })

  it('gives the topic of an older event to the handler of the newer one, and refuses another handler of it', () => {
    const newer = event('shop.order.placed.v2', { key: 'id', payload, upcasts: [upcast(placed, (older) => older)] })
    const both = [at(newer, 'billing'), { ...at(placed, 'billing'), into: newer }]
    const [plan] = planConsumers(hostOf([], both), settings)
    expect([...(plan?.consumers.values() ?? [])].map(({ topic, handler }) => [topic, handler])).toEqual([
      ['shop.order.placed.v2', 'consume shop.order.placed.v2'],
      ['shop.order.placed.v1', 'consume shop.order.placed.v2'],
    ])
    expect(() => planConsumers(hostOf([], [...both, at(placed, 'billing')]), settings)).toThrow(
      'consume shop.order.placed.v2, consume shop.order.placed.v1: only one handler of group "billing" can consume topic shop.order.placed.v1',
    )
  })

  it('makes a broadcast of each handler, also where its transport carries only the older events of some', () => {
    const newer = event('shop.order.placed.v2', { key: 'id', payload, upcasts: [upcast(placed, (older) => older)] })
    const declared = { ...at(newer, ''), group: undefined }
    const older = { ...at(placed, ''), group: undefined, into: newer }
    const other = { ...at(cancelled, ''), group: undefined }
    const topicsOf = (...endpoints: Parameters<typeof hostOf>[1]) =>
      planConsumers(hostOf([], endpoints), settings).map(({ consumers }) => [...consumers.keys()])
    const [v1, v2] = [placed.topic, newer.topic]
    expect(topicsOf(declared, older, declared, older)).toEqual([
      [v2, v1],
      [v2, v1],
    ])
    expect(topicsOf(older, older)).toEqual([[v1], [v1]])
    expect(topicsOf(declared, declared)).toEqual([[v2], [v2]])
    expect(topicsOf(other, older, other)).toEqual([[cancelled.topic], [v1], [cancelled.topic]])
  })

  it('lets what a consumer says come before what the transport says, setting by setting', () => {
    const delivery = {
      failures: { aborted: 'skip' },
      retry: { maxAttemptCount: 2, initialDelayMs: 0, order: 'none', onExhausted: 'continue' },
      concurrency: 3,
    } as const
    const [own] = planConsumers(hostOf([], [{ ...at(placed, 'own'), delivery }]), settings)
    expect(own?.consumers.get(placed.topic)?.settings).toEqual({
      failures: { aborted: 'skip' },
      retry: {
        maxAttemptCount: 2,
        initialDelayMs: 0,
        maxDelayMs: 30_000,
        maxAgeMs: 7_000,
        order: 'none',
        onExhausted: 'continue',
      },
      concurrency: 3,
      maxHandlerMs: 9_000,
      stallAfterMs: 69_000,
    })
    const [plain] = planConsumers(hostOf([orders.place], []), settings)
    expect(plain?.consumers.get('shop.order.place.v1')?.settings).toEqual({
      failures: {},
      retry: {
        maxAttemptCount: 5,
        initialDelayMs: 200,
        maxDelayMs: 30_000,
        maxAgeMs: 7_000,
        order: 'partition',
        onExhausted: 'continue',
      },
      concurrency: 16,
      maxHandlerMs: 9_000,
      stallAfterMs: 69_000,
    })
  })
  it('takes a consumer for stalled a minute after its longest message, unless the transport says when', () => {
    const own = { ...at(placed, 'own'), delivery: { maxHandlerMs: 1_000 } }
    const stallsAfterMs = (queue: ReturnType<typeof resolveQueue>) =>
      [own, at(placed, 'plain')].map(
        (one) => planConsumers(hostOf([], [one]), queue)[0]?.consumers.get(placed.topic)?.settings.stallAfterMs,
      )
    expect(stallsAfterMs(settings)).toEqual([61_000, 69_000])
    const given = resolveQueue({ driver: memoryDriver(), maxHandlerMs: 9_000, stallAfterMs: 9_001 })
    expect(stallsAfterMs(given)).toEqual([9_001, 9_001])
  })

  it('refuses a wait of a consumer that its transport rules out in words, and lets only what nobody wrote give way', () => {
    const planOf = (retry: RetryOptions, ofTransport: RetryOptions) => () =>
      planConsumers(
        hostOf([], [{ ...at(placed, 'own'), delivery: { retry } }]),
        resolveQueue({ driver: memoryDriver(), name: 'orders', retry: ofTransport }),
      )
    const first = planOf({ initialDelayMs: 60_000 }, { maxDelayMs: 30_000 })
    expect(first).toThrow(ConfigError)
    expect(first).toThrow(
      'consume shop.order.placed.v1 on transport orders: retry.initialDelayMs, 60000, exceeds retry.maxDelayMs of its transport, 30000; give it a retry.maxDelayMs too',
    )
    expect(planOf({ maxDelayMs: 5 }, { initialDelayMs: 300 })).toThrow(
      'retry.maxDelayMs, 5, is below retry.initialDelayMs of its transport, 300; give it a retry.initialDelayMs too',
    )
    expect(planOf({ initialDelayMs: 60_000 }, {})).not.toThrow()
    expect(planOf({ initialDelayMs: 60_000, maxDelayMs: 90_000 }, { maxDelayMs: 30_000 })).not.toThrow()
    expect(planOf({ maxDelayMs: 5, initialDelayMs: 5 }, { initialDelayMs: 300 })).not.toThrow()
  })

  it('refuses to halt keys without an order, naming the consumer that has none', () => {
    const halting = resolveQueue({ driver: memoryDriver(), retry: { onExhausted: 'halt-key' } })
    const open = { ...at(placed, 'open'), delivery: { retry: { order: 'none' } } } as const
    const plan = () => planConsumers(hostOf([], [at(cancelled, 'open'), open]), halting)
    expect(plan).toThrow(ConfigError)
    expect(plan).toThrow(
      'retry of consume shop.order.placed.v1: onExhausted "halt-key" needs order "key" or "partition", found "none"',
    )
    expect(() => planConsumers(hostOf([], [at(cancelled, 'open')]), halting)).not.toThrow()
  })

  it('refuses to take a handler for stalled that still has time, naming both', () => {
    const tooSoon = resolveQueue({ driver: memoryDriver(), name: 'orders', maxHandlerMs: 1_000, stallAfterMs: 9_000 })
    const slow = { ...at(placed, 'slow'), delivery: { maxHandlerMs: 9_000 } }
    const plan = () => planConsumers(hostOf([], [at(cancelled, 'slow'), slow]), tooSoon)
    expect(plan).toThrow(ConfigError)
    expect(plan).toThrow(
      'stallAfterMs of transport orders, 9000, must exceed maxHandlerMs of consume shop.order.placed.v1, 9000; leave it out for 60 s more than that',
    )
    expect(() => planConsumers(hostOf([], [at(cancelled, 'slow')]), tooSoon)).not.toThrow()
  })
})

const settings = resolveQueue({
  driver: memoryDriver(),
  retry: { maxAgeMs: 7_000, order: 'partition', onExhausted: 'continue' },
  maxHandlerMs: 9_000,
})

const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const dispatch = () => Promise.resolve({ ok: true as const, value: undefined, callId: 'c', headers: undefined })

function at(of: EventType, group: string) {
  return { event: of, group, dispatch }
}

type Endpoint = Omit<ReturnType<typeof at>, 'group'> & {
  readonly group: string | undefined
  readonly into?: EventType
  readonly delivery?: DeliveryOptions
}

function hostOf(operations: readonly (typeof orders)['place' | 'charge' | 'get'][], events: readonly Endpoint[]) {
  return {
    service: { name: 'order', version: '1.0.0', instanceId: 'order-1' },
    operations: operations.map((operation) => ({ operation, dispatch })),
    events,
    defaultHost: '127.0.0.1',
    log,
    fail: () => undefined,
  }
}
