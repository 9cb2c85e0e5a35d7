import { describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../../../error/service-error.ts'
import type { OutgoingCall } from '../../client-transport.ts'
import { markElsewhere } from '../../elsewhere.ts'
import { markNotSent } from '../../not-sent.ts'
import {
  answering,
  callWith,
  failing,
  hanging,
  operationOf,
  outcomeOf,
  policed,
} from '../policed-channel.test-harness.ts'

const unsent = () => {
  throw markNotSent(new ServiceError('unavailable', 'no connection'))
}

describe('which calls are made again', () => {
  it.each([
    ['read', failing('unavailable'), 2],
    ['put', failing('unavailable'), 2],
    ['add', failing('unavailable'), 1],
    ['add', unsent, 2],
    ['read', failing('resource_exhausted'), 1],
    ['read', failing('resource_exhausted', { retryDelayMs: 10 }), 2],
    ['add', failing('resource_exhausted', { retryDelayMs: 10 }), 1],
    ['read', failing('deadline_exceeded'), 1],
    ['read', failing('internal'), 1],
    ['read', failing('aborted', { retryDelayMs: 10 }), 1],
    [
      'read',
      () => {
        throw new TypeError('broken')
      },
      1,
    ],
  ] as const)('%s, case %#', async (name, first, attemptCount) => {
    const { begin, clock, sent } = policed({ retry: {} }, first, answering('b'))
    const outcome = begin(name)
    await clock.pass(1_000)
    expect(sent).toHaveLength(attemptCount)
    if (attemptCount === 2) expect(outcome).toEqual({ value: { text: 'b' } })
    else expect(outcome.error).toBeInstanceOf(Error)
  })

  it('are none without the policy, nor for an operation that goes without', async () => {
    for (const policy of [{}, { retry: false }, { retry: {}, operations: { read: { retry: false } } }] as const) {
      const { begin, clock, sent } = policed(policy, failing('unavailable'))
      begin('read')
      await clock.pass(10_000)
      expect(sent).toHaveLength(1)
      expect(sent[0]).not.toHaveProperty('attempt')
    }
  })

  it('ends with the last failure after so many attempts', async () => {
    const { begin, clock, sent } = policed({ retry: { maxAttemptCount: 4 } }, failing('unavailable'))
    const outcome = begin('read')
    await clock.pass(10_000)
    expect(sent).toHaveLength(4)
    expect(outcome.error).toMatchObject({ code: 'unavailable' })
  })
})

describe('when they are made again', () => {
  it('waits at random, up to twice as long each time, and no longer than the longest', async () => {
    const retry = { maxAttemptCount: 5, initialDelayMs: 100, maxDelayMs: 300 }
    const { begin, clock, decisions } = policed({ retry }, failing('unavailable'))
    clock.chance = 0.9
    begin('read')
    await clock.pass(10_000)
    expect(decisions.map(({ decision, delayMs }) => [decision, delayMs])).toEqual(
      [90, 180, 270, 270].map((delayMs) => ['retry', delayMs]),
    )
    expect(decisions[0]).toMatchObject({ contract: 'demo.NoteService', operation: 'read', code: 'unavailable' })
  })

  it('waits as long as the remote asks for, and a random part more', async () => {
    const { begin, clock, sent } = policed(
      { retry: {} },
      failing('unavailable', { retryDelayMs: 5_000 }),
      answering('b'),
    )
    begin('read')
    await clock.pass(5_000)
    expect(sent).toHaveLength(1)
    await clock.pass(50)
    expect(sent).toHaveLength(2)
  })

  it('does not wait for an instance that shuts down where another one can take the call', async () => {
    const options = { reason: 'draining', details: { retryDelayMs: 1_000 } }
    const draining = () => new ServiceError('unavailable', 'the service is shutting down', options)
    for (const [error, isWaitedFor] of [
      [markElsewhere(draining()), false],
      [draining(), true],
      [markElsewhere(new ServiceError('unavailable', 'away', { details: options.details })), true],
    ] as const) {
      const { begin, clock, sent } = policed({ retry: {} }, () => Promise.reject(error), answering('b'))
      begin('read')
      await clock.pass(50)
      expect(sent).toHaveLength(isWaitedFor ? 1 : 2)
    }
  })

  it('fails at once where the remote asks for more than the call has left', async () => {
    const { begin, clock, sent } = policed({ retry: {} }, failing('unavailable', { retryDelayMs: 5_000 }))
    const outcome = begin('read', { timeoutMs: 5_000 })
    await clock.pass(0)
    expect(outcome.error).toMatchObject({ code: 'unavailable' })
    await clock.pass(60_000)
    expect(sent).toHaveLength(1)
  })

  it('gives each attempt what the call has left', async () => {
    const { begin, clock, sent } = policed({ retry: { initialDelayMs: 100 } }, failing('unavailable'))
    begin('read', { timeoutMs: 120 })
    await clock.pass(10_000)
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([120, 70])
  })

  it('ends with the call while it waits, and with the client', async () => {
    const leaving = new AbortController()
    const { begin, channel, clock, sent } = policed({ retry: {} }, failing('unavailable'))
    const [left, closed] = [begin('read', { signal: leaving.signal }), begin('read')]
    await clock.pass(1)
    leaving.abort()
    await clock.pass(1)
    expect(left.error).toMatchObject({ code: 'cancelled' })
    await channel.close()
    await clock.pass(1)
    expect(closed.error).toMatchObject({ code: 'unavailable' })
    expect(sent).toHaveLength(2)
    expect(clock.nextInMs).toBeUndefined()
  })
})

describe('an attempt', () => {
  it('that takes too long is given up for another one', async () => {
    const { begin, clock, sent } = policed({ retry: { attemptTimeoutMs: 200 } }, hanging, answering('b'))
    const outcome = begin('put', { timeoutMs: 1_000 })
    await clock.pass(1_000)
    expect(outcome).toEqual({ value: { text: 'b' } })
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([200, 200])
  })

  it('never has more than the call, and one that is not repeatable is not given up for another', async () => {
    const { begin, clock, sent } = policed({ retry: { attemptTimeoutMs: 200 } }, hanging)
    const [short, once] = [begin('read', { timeoutMs: 50 }), begin('add')]
    await clock.pass(1_000)
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([50, 200])
    for (const { error } of [short, once]) expect(error).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('knows how many went before it, and what those of the same call tried', async () => {
    const { begin, clock, sent } = policed({ retry: {} }, failing('unavailable'))
    begin('read')
    await clock.pass(1_000)
    begin('read')
    await clock.pass(1_000)
    expect(sent.map(({ previousAttemptCount }) => previousAttemptCount)).toEqual([0, 1, 2, 0, 1, 2])
    const tried = sent.map(({ attempt }) => attempt?.tried)
    expect(tried[0]).toBe(tried[2])
    expect(tried[0]).not.toBe(tried[3])
  })

  it('tells what its reply says only when no other takes its place', async () => {
    const saying = (text: string, end: () => unknown) => (call: Parameters<typeof callWith>[0]) => {
      call?.onHeaders?.({ from: text })
      call?.onTrailers?.({ from: text })
      return end()
    }
    const failed = failing('unavailable') as () => unknown
    const told: unknown[] = []
    const listening = { onHeaders: (one: unknown) => told.push(one), onTrailers: (one: unknown) => told.push(one) }
    const succeeding = policed(
      { retry: {} },
      saying('a', failed),
      saying('b', () => ({ text: 'b' })),
    )
    succeeding.begin('read', listening)
    await succeeding.clock.pass(1_000)
    expect(told.splice(0)).toEqual([{ from: 'b' }, { from: 'b' }])
    const broken = policed({ retry: { maxAttemptCount: 2 } }, saying('a', failed), saying('c', failed))
    broken.begin('read', listening)
    await broken.clock.pass(1_000)
    expect(told).toEqual([{ from: 'c' }, { from: 'c' }])
  })
})

describe('streams', () => {
  const items = (...texts: readonly string[]) => texts.map((text) => ({ text }))
  async function read(stream: AsyncIterable<unknown>): Promise<readonly unknown[]> {
    const all: unknown[] = []
    try {
      for await (const item of stream) all.push(item)
    } catch (error) {
      all.push(error)
    }
    return all
  }
  async function* hangingItems(call: OutgoingCall): AsyncGenerator<unknown> {
    yield await new Promise((_resolve, reject) =>
      call.signal?.addEventListener('abort', () => reject(new ServiceError('cancelled', 'cancelled'))),
    )
  }
  const breaking = function* () {
    yield { text: 'a' }
    throw new ServiceError('unavailable', 'broken')
  }

  it('are begun again before their first item, and not behind it', async () => {
    const { channel, clock, sent } = policed({ retry: {} }, failing('unavailable'), breaking, () => items('c'))
    const outcome = outcomeOf(read(channel.serverStream(operationOf('watch'), {}, callWith())))
    await clock.pass(1_000)
    expect(outcome.value).toEqual([{ text: 'a' }, expect.objectContaining({ code: 'unavailable' })])
    expect(sent).toHaveLength(2)
  })

  it('that say nothing are given up where their operation says so, and never behind the first item', async () => {
    const slowly = async function* () {
      yield { text: 'a' }
      await new Promise<void>((resolve) => clock.after(5_000, resolve))
      yield { text: 'b' }
    }
    const operations = { watch: { retry: { attemptTimeoutMs: 200 } } }
    const { channel, clock, inner, sent } = policed({ operations }, hanging)
    inner.serverStream = (_operation, _input, call) => {
      sent.push(call)
      return sent.length === 1 ? hangingItems(call) : slowly()
    }
    const outcome = outcomeOf(read(channel.serverStream(operationOf('watch'), {}, callWith({ timeoutMs: 60_000 }))))
    await clock.pass(10_000)
    expect(outcome.value).toEqual(items('a', 'b'))
    expect(sent[0]?.signal?.reason).toMatchObject({ code: 'deadline_exceeded' })
    expect(sent[1]?.signal?.aborted).toBe(false)
    expect(sent).toHaveLength(2)
  })

  it('that are not begun again fail as late, and as cancelled where their caller left', async () => {
    const leaving = new AbortController()
    const operations = { watch: { retry: { attemptTimeoutMs: 200, maxAttemptCount: 2 } } }
    const { channel, clock, inner } = policed({ operations }, hanging)
    inner.serverStream = (_operation, _input, call) => hangingItems(call)
    const begin = (call = {}) => outcomeOf(read(channel.serverStream(operationOf('watch'), {}, callWith(call))))
    const [late, left] = [begin(), begin({ signal: leaving.signal })]
    await clock.pass(100)
    leaving.abort()
    await clock.pass(1_000)
    expect(late.value).toMatchObject([{ code: 'deadline_exceeded' }])
    expect(left.value).toMatchObject([{ code: 'cancelled' }])
    expect(clock.nextInMs).toBeUndefined()
  })

  it('are left by who leaves the loop', async () => {
    const left = vi.fn()
    const endless = function* () {
      try {
        for (;;) yield { text: 'a' }
      } finally {
        left()
      }
    }
    const { channel } = policed({ retry: {} }, endless)
    for await (const item of channel.serverStream(operationOf('watch'), {}, callWith())) {
      expect(item).toEqual({ text: 'a' })
      break
    }
    expect(left).toHaveBeenCalledOnce()
  })

  it('of inputs are sent anew, from the first item on, while only that was asked for', async () => {
    const { channel, clock, sent } = policed(
      { retry: {} },
      failing('unavailable'),
      (_call, input) => input,
      (_call, input) => [input],
    )
    const gathered = outcomeOf(channel.clientStream(operationOf('gather'), toAsync(items('a', 'b')), callWith()))
    await clock.pass(1_000)
    expect(gathered).toEqual({ value: { text: 'a' } })
    expect(sent).toHaveLength(2)
    const chatted = outcomeOf(read(channel.bidiStream(operationOf('chat'), toAsync(items('c')), callWith())))
    await clock.pass(1_000)
    expect(chatted.value).toEqual(items('c'))
  })

  it('of inputs fail when more than that was asked for', async () => {
    const { channel, clock, inner, sent } = policed({ retry: {} }, failing('unavailable'))
    inner.clientStream = async (_operation, inputs, call) => {
      for await (const _item of inputs) continue
      sent.push(call)
      throw new ServiceError('unavailable', 'broken')
    }
    const outcome = outcomeOf(channel.clientStream(operationOf('gather'), toAsync(items('a', 'b')), callWith()))
    await clock.pass(1_000)
    expect(outcome.error).toMatchObject({ code: 'unavailable' })
    expect(sent).toHaveLength(1)
  })

  async function* toAsync<Item>(all: readonly Item[]): AsyncGenerator<Item> {
    yield* all
  }
})
