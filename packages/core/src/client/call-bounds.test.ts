import Type from 'typebox'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { contract } from '../contract/contract.ts'
import { stream } from '../contract/stream.ts'
import { ServiceError, toServiceError } from '../error/service-error.ts'
import { CallBounds } from './call-bounds.ts'
import type { CallOptions, ClientInterceptor } from './client-method.ts'
import type { ClientChannel } from './client-transport.ts'
import { buildClient } from './remote.ts'

const Note = Type.Object({ id: Type.String() })
const never = new Promise<never>(() => undefined)
const Slow = z.object({ id: z.string().refine(() => never) })
const notes = contract('shop.NoteService', {
  getNote: { input: Note, output: Note },
  sumNotes: { input: stream(Note), output: Note },
  watchNotes: { input: Note, output: stream(Note) },
  chatNotes: { input: stream(Note), output: stream(Note) },
  slowInput: { input: Slow, output: Note },
  slowOutput: { input: Note, output: Slow },
  slowWatch: { input: Slow, output: stream(Note) },
  slowItems: { input: Note, output: stream(Slow) },
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function clientWith(...interceptors: readonly ClientInterceptor[]) {
  const unary = vi.fn(async () => ({ id: 'a' }))
  const items = async function* () {
    yield { id: 'a' }
    yield { id: 'b' }
  }
  const channel: ClientChannel = {
    unary,
    serverStream: items,
    clientStream: unary,
    bidiStream: items,
    close: async () => undefined,
  }
  return { client: buildClient<typeof notes>(notes, channel, interceptors), unary }
}

type Calls = ReturnType<typeof clientWith>['client']
const input = { id: 'a' }
const hang: ClientInterceptor = () => never
const hangInItems: ClientInterceptor = async () =>
  (async function* () {
    await never
    yield input
  })()

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

const ways: readonly [
  string,
  readonly ClientInterceptor[],
  (client: Calls, options: CallOptions) => Promise<unknown>,
][] = [
  ['an interceptor of a unary call', [hang], (client, options) => client.getNote(input, options)],
  ['an interceptor of an input stream', [hang], (client, options) => client.sumNotes([input], options)],
  ['an interceptor of an output stream', [hang], (client, options) => drain(client.watchNotes(input, options))],
  ['an interceptor of both streams', [hang], (client, options) => drain(client.chatNotes([input], options))],
  ['the items of an interceptor', [hangInItems], (client, options) => drain(client.watchNotes(input, options))],
  ['a validator of inputs', [], (client, options) => client.slowInput(input, options)],
  ['a validator of outputs', [], (client, options) => client.slowOutput(input, options)],
  ["a validator of a stream's input", [], (client, options) => drain(client.slowWatch(input, options))],
  ["a validator of a stream's items", [], (client, options) => drain(client.slowItems(input, options))],
]

describe.each(ways)('a call in which %s hangs', (_what, interceptors, run) => {
  it('ends at its deadline', async () => {
    const outcome = run(clientWith(...interceptors).client, { timeoutMs: 50 }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(60)
    const error = await outcome
    expect(error).toMatchObject({ code: 'deadline_exceeded' })
    expect(toServiceError(error).message).toBe('a service that this call needs did not answer in time')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends with its signal, of which it lets go', async () => {
    const { signal, abort } = watchedSignal()
    const outcome = run(clientWith(...interceptors).client, { signal }).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(0)
    expect(signal.listeners.size).toBe(1)
    abort()
    expect(await outcome).toMatchObject({ code: 'cancelled', cause: 'enough' })
    expect(signal.listeners.size).toBe(0)
  })
})

describe('a call with interceptors', () => {
  it('leaves no timer and no listener behind when it ends in time', async () => {
    const { client } = clientWith((_call, next) => next())
    const { signal } = watchedSignal()
    await client.getNote(input, { timeoutMs: 1_000, signal })
    await drain(client.watchNotes(input, { timeoutMs: 1_000, signal }))
    expect(signal.listeners.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends nothing after it was cancelled', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const late = vi.fn()
    const { client, unary } = clientWith(async (_call, next) => {
      await promise
      return await next().catch(late)
    })
    const { signal, abort } = watchedSignal()
    const outcome = client.getNote(input, { signal }).catch((error: unknown) => error)
    abort()
    expect(await outcome).toMatchObject({ code: 'cancelled' })
    resolve()
    await vi.waitFor(() => expect(late).toHaveBeenCalledWith(expect.objectContaining({ code: 'cancelled' })))
    expect(unary).not.toHaveBeenCalled()
  })

  it('lets a reader leave though the items of an interceptor never end their clean-up', async () => {
    const { client } = clientWith(async () =>
      (async function* () {
        try {
          yield input
        } finally {
          await never
        }
      })(),
    )
    const left = (async () => {
      for await (const _item of client.watchNotes(input, { timeoutMs: 50 })) break
      return 'left'
    })()
    await vi.advanceTimersByTimeAsync(60)
    expect(await left).toBe('left')
  })
})

it('waits for several calls, each until its own end', async () => {
  const bounds = new CallBounds()
  const waits = [30, 10, 20].map((endsAtMs) =>
    bounds.wait({ endsAtMs: performance.now() + endsAtMs, signal: undefined }, never).catch(() => endsAtMs),
  )
  const quick = bounds.wait({ endsAtMs: undefined, signal: undefined }, Promise.resolve('done'))
  expect(await quick).toBe('done')
  await vi.advanceTimersByTimeAsync(10)
  expect(await waits[1]).toBe(10)
  await vi.advanceTimersByTimeAsync(30)
  expect(await Promise.all(waits)).toEqual([30, 10, 20])
  expect(vi.getTimerCount()).toBe(0)
})

it('tells the deadline of the running call, which fires its signal, as a deadline', async () => {
  const controller = new AbortController()
  const waited = new CallBounds().wait({ endsAtMs: undefined, signal: controller.signal }, never)
  controller.abort(new ServiceError('deadline_exceeded', 'over'))
  await expect(waited).rejects.toMatchObject({ code: 'deadline_exceeded' })
})

/** A signal that tells who listens to it. */
function watchedSignal() {
  const controller = new AbortController()
  const listeners = new Set<unknown>()
  const { signal } = controller
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  const watched = Object.assign(signal, {
    listeners,
    addEventListener: (...given: Parameters<typeof add>) => (listeners.add(given[1]), add(...given)),
    removeEventListener: (...given: Parameters<typeof remove>) => (listeners.delete(given[1]), remove(...given)),
  })
  return { signal: watched, abort: () => controller.abort('enough') }
}
