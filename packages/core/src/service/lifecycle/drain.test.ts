import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Cuttable, Gate } from '../../call/gate.ts'
import type { TransportServer } from '../../transport/transport.ts'
import { Drain } from './drain.ts'

afterEach(() => void vi.useRealTimers())

const never = new AbortController().signal
const time = { timeoutMs: 1_000, graceMs: 100 }

/** A server that notes what is asked of it, and does it when it is let. */
function serverOf(log: string[], name: string, acts: Partial<TransportServer> = {}): TransportServer {
  const noted =
    (what: string, act?: (signal: AbortSignal) => Promise<number | void>) =>
    async (signal: AbortSignal): Promise<number | void> => {
      log.push(`${name} ${what}`)
      const cutCount = await act?.(signal)
      log.push(`${name} ${what} done`)
      return cutCount
    }
  const { finish } = acts
  return {
    listen: async () => [],
    withdraw: () => undefined,
    drain: noted('drain', acts.drain),
    close: async () => undefined,
    ...(finish && { finish: async (signal) => void (await noted('finish', finish)(signal)) }),
  }
}

describe('Drain', () => {
  it('lets transports finish what they have accepted when all others have drained, and drains them then', async () => {
    const log: string[] = []
    const answered = Promise.withResolvers<void>()
    const finish = async () => undefined
    const servers = [serverOf(log, 'queue', { finish }), serverOf(log, 'http', { drain: () => answered.promise })]
    const drained = new Drain(new Gate()).run({ servers }, never, time)
    await Promise.resolve()
    expect(log).toEqual(['http drain'])
    answered.resolve()
    await drained
    expect(log.slice(1)).toEqual([
      'http drain done',
      'queue finish',
      'queue finish done',
      'queue drain',
      'queue drain done',
    ])
  })

  it('drains side by side where nothing was accepted, and leaves nothing on its signal', async () => {
    const { signal } = new AbortController()
    const log: string[] = []
    const both = Promise.withResolvers<void>()
    const servers = ['http', 'grpc'].map((name) => serverOf(log, name, { drain: () => both.promise }))
    const drained = new Drain(new Gate()).run({ servers }, signal, time)
    expect(log).toEqual(['http drain', 'grpc drain'])
    both.resolve()
    await drained
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('lets accepted work in until it is finished, and nothing else', async () => {
    const gate = new Gate()
    const admitted = () => [gate.isOpen, gate.isOpenTo({}), gate.isOpenTo({ isAccepted: true })]
    expect(admitted()).toEqual([true, false, false])
    const finish = vi.fn(async () => expect(admitted()).toEqual([false, false, true]))
    const drain = vi.fn(async () => expect(admitted()).toEqual([false, false, false]))
    await new Drain(gate).run({ servers: [serverOf([], 'queue', { finish, drain })] }, never, time)
    expect([finish, drain].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
    expect(gate.draining.aborted).toBe(true)
  })

  it('goes on without the others when the deadline comes', async () => {
    const log: string[] = []
    const deadline = new AbortController()
    const stuck = Promise.withResolvers<void>()
    const servers = [
      serverOf(log, 'http', { drain: () => stuck.promise }),
      serverOf(log, 'queue', { finish: async ({ aborted }) => void log.push(`aborted ${aborted}`) }),
    ]
    const drained = new Drain(new Gate()).run({ servers }, deadline.signal, time)
    deadline.abort()
    await vi.waitFor(() => expect(log).toContain('queue drain done'))
    expect(log).toContain('aborted true')
    stuck.resolve()
    await drained
  })

  it('begins everything where no time is left, and cuts what runs', async () => {
    const log: string[] = []
    const stuck = Promise.withResolvers<void>()
    const servers = [
      serverOf(log, 'http', { drain: () => stuck.promise }),
      serverOf(log, 'queue', { finish: async () => undefined }),
    ]
    const gate = new Gate()
    const call: Cuttable = { endsAtMs: undefined, place: 0, cut: () => gate.leave(call) }
    gate.enter(call)
    const drain = new Drain(gate)
    const drained = drain.run({ servers }, AbortSignal.abort(), time)
    await vi.waitFor(() => expect(log).toContain('queue drain done'))
    expect(drain.cutCallCount).toBe(1)
    stuck.resolve()
    await drained
  })

  it('gives accepted work up that cannot be finished, tells so, and drains all the same', async () => {
    vi.useFakeTimers()
    const log: string[] = []
    const finish = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('two are left'))))
    const drained = new Drain(new Gate()).run({ servers: [serverOf(log, 'queue', { finish })] }, never, time)
    const failed = expect(drained).rejects.toThrow(
      expect.objectContaining({ errors: [expect.objectContaining({ message: 'two are left' })] }),
    )
    await vi.advanceTimersByTimeAsync(5_000)
    await failed
    expect(log).toEqual(['queue finish', 'queue drain', 'queue drain done'])
  })

  it('cuts, and waits until what was cut has left', async () => {
    const gate = new Gate()
    const cut = vi.fn()
    const call: Cuttable = { endsAtMs: undefined, place: 0, cut }
    gate.enter(call)
    const ended = vi.fn()
    const cutting = new Drain(gate).cut().then(ended)
    expect(cut).toHaveBeenCalledTimes(1)
    expect(gate.isOpen).toBe(false)
    await setImmediate()
    expect(ended).not.toHaveBeenCalled()
    gate.leave(call)
    await cutting
  })
})
