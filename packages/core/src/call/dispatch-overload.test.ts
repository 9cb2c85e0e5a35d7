import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, it, vi } from 'vitest'
import { currentCall } from './context.ts'
import { dispatcherFor, echo, errorOf, type Given } from './dispatcher.test-harness.ts'
import { OperationLoad } from './overload/operation-load.ts'
import { OverloadControl } from './overload/overload-control.ts'
import { overloadDefaults } from './overload/overload-options.ts'
import { serverRefusalChannelName } from './overload/refusal.ts'
import type { Arrival } from './arrival.ts'
import { outgoingMetadata } from './propagation.ts'
import type { Invoke } from './rule/interceptor.ts'

/** A dispatcher under a control whose turns of the event loop end when the test says so. */
function dispatcherUnder(handler: Invoke, given: Given = {}) {
  let over: PromiseWithResolvers<void> | undefined = Promise.withResolvers()
  const looks: (() => void)[] = []
  // Whole, or a look of exactly 100 ms may seem late by what a sum of floats rounds.
  let nowMs = Math.floor(performance.now())
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log }
  const control = new OverloadControl({
    service: 'demo',
    settings: overloadDefaults,
    log,
    draining: new AbortController().signal,
    pressureChanged: ignore,
    clock: { nowMs: () => nowMs, after: (_delayMs, run) => void looks.push(run), nextTurn: () => over?.promise },
  })
  const load = new OperationLoad(control, { operation: 'a.A/echo', holdsPlace: true, criticality: 'sheddable' })
  const dispatcher = dispatcherFor(handler, { load, ...given })
  /** From now on calls begin. */
  const go = () => {
    over?.resolve()
    over = undefined
  }
  /** From now on they wait again. */
  const stop = () => (over = Promise.withResolvers())
  /** The process stands still, and the control looks when that is over. */
  const standStill = (forMs: number) => {
    nowMs += forMs
    for (const look of looks.splice(0)) look()
  }
  /** Time passes, and the control looks as often as it wants to. */
  const pass = (forMs: number) => {
    for (let passedMs = 0; passedMs < forMs; passedMs += 100) standStill(100)
  }
  return { ...dispatcher, control, go, stop, pass, standStill }
}

const ignore = () => undefined
const marked = (criticality: string, more: Partial<Arrival> = {}): Partial<Arrival> => ({
  metadata: { 'x-criticality': criticality },
  ...more,
})

it('begins a call at once where nothing waits', async () => {
  const { send, control, go } = dispatcherUnder(echo)
  go()
  expect(await send()).toMatchObject({ ok: true, value: { text: 'hi' } })
  expect(control.info).toMatchObject({ runningCount: 0, waitingCount: 0 })
})

it('lets calls wait for their turn, the most critical ahead, what the operation says where the caller says nothing known', async () => {
  const order: (string | undefined)[] = []
  const { send, go } = dispatcherUnder((input, call) => {
    order.push(call.metadata['x-criticality'])
    return input
  })
  const sent = [undefined, 'critical', 'urgent', 'sheddable_plus', 'critical_plus'].map((criticality) =>
    send(criticality === undefined ? {} : marked(criticality)),
  )
  expect(order).toEqual([])
  go()
  expect((await Promise.all(sent)).every(({ ok }) => ok)).toBe(true)
  expect(order).toEqual(['critical_plus', 'critical', 'sheddable_plus', undefined, 'urgent'])
})

it('counts a call as running until its handler has ended, also when its caller was answered before', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const { send, control, go } = dispatcherUnder(() => promise, { timeoutMs: 1 })
  go()
  expect(errorOf(await send()).code).toBe('deadline_exceeded')
  expect(control.info.runningCount).toBe(1)
  resolve({ text: 'late' })
  await promise
  await new Promise((next) => setImmediate(next))
  expect(control.info.runningCount).toBe(0)
})

it('refuses who has waited for too long with a retry delay, without a line for each, and leaves nothing behind', async () => {
  let endedCount = 0
  const { send, control, gate, lines, pass } = dispatcherUnder(echo)
  const refused = send({ ended: () => (endedCount += 1) })
  pass(3 * overloadDefaults.maxDelayMs)
  expect(errorOf(await refused)).toMatchObject({
    code: 'resource_exhausted',
    reason: 'overloaded',
    details: { retryDelayMs: 1000 },
  })
  expect([lines, endedCount, gate.runningCount, gate.abandonedCount]).toEqual([[], 0, 0, 0])
  expect(control.info).toMatchObject({
    state: 'overloaded',
    runningCount: 0,
    waitingCount: 0,
    refusedCounts: { sheddable: 1 },
  })
})

it('does not refuse who waited only since the process stood still', async () => {
  const { send, go, standStill } = dispatcherUnder(echo)
  const waiting = send()
  standStill(100 * overloadDefaults.maxDelayMs)
  go()
  expect(await waiting).toMatchObject({ ok: true })
})

it('writes a line for a refused call where all calls have one', async () => {
  const { send, lines, pass } = dispatcherUnder(echo, { loggedCalls: 'all' })
  const refused = send()
  pass(3 * overloadDefaults.maxDelayMs)
  await refused
  expect(lines).toMatchObject([{ level: 'warn', message: 'a.A/echo failed: too many calls are running' }])
})

/** Two calls wait, and one had its turn in the tenth of a second before. */
async function twoWaiting(given: Given = {}) {
  const dispatcher = dispatcherUnder(echo, given)
  const { send, pass, go, stop } = dispatcher
  const first = send()
  pass(100)
  go()
  await first
  stop()
  for (let count = 0; count < 2; count += 1) void send()
  return dispatcher
}

it('refuses a call by its metadata alone that would have to wait too long, and for which nobody would give way', async () => {
  const { refuse, control, gate } = await twoWaiting()
  expect(refuse({ 'x-criticality': 'critical' })).toBeUndefined()
  expect(refuse({ 'x-tenant-id': 'another' })).toBeUndefined()
  expect(control.info.refusedCounts.sheddable).toBe(0)
  expect(refuse({})).toMatchObject({
    code: 'resource_exhausted',
    reason: 'overloaded',
    details: { retryDelayMs: 1000 },
  })
  expect(control.info).toMatchObject({ state: 'overloaded', waitingCount: 2, refusedCounts: { sheddable: 1 } })
  gate.closeToNew()
  expect(refuse({})).toBeUndefined()
})

it('counts calls of which only the head has come, until they ask or a tenth of a second is over', async () => {
  const { send, refuse, control, pass } = dispatcherUnder(echo)
  void send()
  // Nine tenths of the thousand that may wait before any had its turn.
  const countUntilRefused = (most: number) => {
    for (let count = 0; count < most; count += 1) if (refuse({}) !== undefined) return count
    return most
  }
  for (let count = 0; count < 499; count += 1) {
    expect(refuse({})).toBeUndefined()
    void send()
  }
  expect(control.info.waitingCount).toBe(500)
  expect(countUntilRefused(1_000)).toBe(400)
  pass(100)
  expect(countUntilRefused(1_000)).toBe(400)
})

/** What is published of refused calls while something happens. */
async function publishedBy(happens: () => Promise<unknown>): Promise<unknown[]> {
  const published: unknown[] = []
  const note = (refusal: unknown) => void published.push(refusal)
  subscribe(serverRefusalChannelName, note)
  await happens()
  unsubscribe(serverRefusalChannelName, note)
  return published
}

it('publishes each call that it refuses, and why', async () => {
  const { send, refuse, pass } = await twoWaiting()
  const published = await publishedBy(async () => {
    refuse({})
    await send({ metadata: { 'x-tenant-id': '' } })
    void send(marked('critical'))
    pass(3 * overloadDefaults.maxDelayMs)
  })
  const all = { service: 'demo', operation: 'a.A/echo', transport: 'test', concurrencyLimit: 200, runningCount: 0 }
  const of = (criticality: string, reason: string, waitingCount: number) => ({
    ...all,
    criticality,
    tenant: '',
    reason,
    waitingCount,
  })
  expect(published).toEqual([
    of('sheddable', 'no_room', 2),
    of('sheddable', 'no_room', 2),
    of('sheddable', 'gave_way', 1),
    of('critical', 'waited_too_long', 1),
    of('sheddable', 'waited_too_long', 0),
  ])
})

it('publishes whose call it refused', async () => {
  const { send, pass } = dispatcherUnder(echo)
  const published = await publishedBy(async () => {
    void send({ metadata: { 'x-tenant-id': 'loud', 'x-criticality': 'sheddable_plus' } })
    pass(3 * overloadDefaults.maxDelayMs)
  })
  expect(published).toMatchObject([{ tenant: 'loud', criticality: 'sheddable_plus' }])
})

it('makes nothing of a refusal where nobody listens', async () => {
  const { control } = await twoWaiting()
  let readCount = 0
  const call = {
    get operation() {
      readCount += 1
      return 'a.A/echo'
    },
    transport: 'test',
    rank: 3,
    tenant: '',
  }
  expect([control.refusesAtOnce(call), readCount]).toEqual([true, 0])
  expect(await publishedBy(async () => control.refusesAtOnce(call))).toHaveLength(1)
  expect(readCount).toBe(1)
})

it('refuses no call by its metadata alone where nobody waits, or where each has a line in the log', async () => {
  expect(dispatcherUnder(echo).refuse({})).toBeUndefined()
  const { refuse } = await twoWaiting({ loggedCalls: 'all' })
  expect(refuse({})).toBeUndefined()
})

it('ends a call whose deadline passes while it waits, and never begins it', async () => {
  let isCalled = false
  const { send, control, gate, go } = dispatcherUnder(() => (isCalled = true), { timeoutMs: 1 })
  expect(errorOf(await send()).code).toBe('deadline_exceeded')
  expect(control.info).toMatchObject({ runningCount: 0, waitingCount: 0 })
  expect([gate.runningCount, gate.abandonedCount]).toEqual([0, 0])
  go()
  await new Promise((next) => setImmediate(next))
  expect(isCalled).toBe(false)
})

it('does not begin a call whose caller left while it waited', async () => {
  let isCalled = false
  const caller = new AbortController()
  const { send, control, gate, go } = dispatcherUnder(() => (isCalled = true))
  const left = send({ signal: caller.signal })
  caller.abort()
  go()
  expect(errorOf(await left).code).toBe('cancelled')
  expect([isCalled, control.info.runningCount, gate.runningCount]).toEqual([false, 0, 0])
})

it('gives the place of a caller that leaves while it waits to others, and leaves no listener behind', async () => {
  const caller = new AbortController()
  const remove = vi.spyOn(caller.signal, 'removeEventListener')
  const { send, control, gate, go } = dispatcherUnder(echo)
  const left = [send({ signal: caller.signal }), send({ signal: caller.signal })]
  const staying = send()
  expect(control.info.waitingCount).toBe(3)
  caller.abort()
  expect(control.info.waitingCount).toBe(1)
  for (const outcome of await Promise.all(left)) expect(errorOf(outcome).code).toBe('cancelled')
  go()
  expect(await staying).toMatchObject({ ok: true })
  expect([gate.runningCount, control.info.runningCount, remove.mock.calls.length]).toEqual([0, 0, 2])
})

it('does not let a call wait whose caller has left already', async () => {
  const { send, control, gate } = dispatcherUnder(echo)
  expect(errorOf(await send({ signal: AbortSignal.abort() })).code).toBe('cancelled')
  expect([control.info.waitingCount, gate.runningCount]).toEqual([0, 0])
})

it('lets others begin where handlers do not end that nobody waits for, in half of the places', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const { send, control, gate, go } = dispatcherUnder(() => promise, { timeoutMs: 1 })
  go()
  const limit = control.info.concurrencyLimit
  const hung = await Promise.all(Array.from({ length: limit }, () => send()))
  for (const outcome of hung) expect(errorOf(outcome).code).toBe('deadline_exceeded')
  const others = Array.from({ length: limit }, () => send())
  expect(control.info).toMatchObject({ runningCount: limit * 1.5, waitingCount: limit / 2 })
  resolve({ text: 'late' })
  await Promise.all(others)
  await vi.waitFor(() => expect([control.info.runningCount, gate.abandonedCount]).toEqual([0, 0]))
})

it('begins no call that waits in the place of one that is cut at the end of a drain', async () => {
  let begunCount = 0
  const { send, control, gate, go } = dispatcherUnder(() => {
    begunCount += 1
    return new Promise(() => undefined)
  })
  go()
  const limit = control.info.concurrencyLimit
  const sent = Array.from({ length: limit + 1 }, () => send())
  expect([begunCount, control.info.waitingCount]).toEqual([limit, 1])
  gate.cutAll()
  for (const outcome of await Promise.all(sent)) expect(errorOf(outcome).code).toBe('unavailable')
  expect(begunCount).toBe(limit)
})

it('leaves it to the handler what becomes of a call that waited and whose caller left when it had begun', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const begun = Promise.withResolvers<void>()
  const caller = new AbortController()
  const { send, go } = dispatcherUnder(() => {
    begun.resolve()
    return promise
  })
  const sent = send({ signal: caller.signal })
  go()
  await begun.promise
  caller.abort()
  resolve({ text: 'done' })
  expect(await sent).toMatchObject({ ok: true })
})

it('runs each call in what surrounded its own arrival', async () => {
  const surrounding = new AsyncLocalStorage<string>()
  const { send, go } = dispatcherUnder((_input, call) => ({
    text: `${surrounding.getStore()} ${currentCall() === call}`,
  }))
  const sent = ['one', 'two'].map((name) => surrounding.run(name, () => send()))
  go()
  expect(await Promise.all(sent)).toMatchObject([{ value: { text: 'one true' } }, { value: { text: 'two true' } }])
})

it('lets what a queue delivers wait without end, and holds no place for it', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const { send, control, go, pass } = dispatcherUnder(() => promise)
  const delivered = send({ isTrusted: true })
  pass(100 * overloadDefaults.maxDelayMs)
  go()
  resolve({ text: 'done' })
  expect(await delivered).toMatchObject({ ok: true })
  expect(control.info.runningCount).toBe(0)
})

it.each([
  ['what the caller says', { 'x-criticality': 'sheddable_plus' }, 'sheddable_plus'],
  ['what the operation says, where the caller says nothing', {}, 'critical_plus'],
  ['what the operation says, where the caller says what is unknown', { 'x-criticality': 'URGENT' }, 'critical_plus'],
])('hands on with outgoing calls %s', async (_title, metadata, expected) => {
  const seen: unknown[] = []
  const { send } = dispatcherFor(
    (input) => {
      seen.push(outgoingMetadata()['x-criticality'])
      return input
    },
    { forwarded: ['x-criticality'], criticality: 'critical_plus' },
  )
  await send({ metadata })
  expect(seen).toEqual([expected])
})

it('hands on nothing that nobody said, and nothing that is not to be handed on', async () => {
  const seen: unknown[] = []
  const noting: Invoke = (input) => {
    seen.push(outgoingMetadata()['x-criticality'])
    return input
  }
  await dispatcherFor(noting, { forwarded: ['x-criticality'] }).send()
  await dispatcherFor(noting, { forwarded: [], criticality: 'sheddable' }).send(marked('critical'))
  expect(seen).toEqual([undefined, undefined])
})
