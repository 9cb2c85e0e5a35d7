import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineHandler, defineService, ServiceError } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import type { OperationEndpoint, Transport } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, onTestFinished, test, vi } from 'vitest'

const Count = Type.Object({ count: Type.Integer() })
const counters = contract('demo.v1.CounterService', {
  next: { input: Count, output: Count },
  countTo: { input: Count, output: stream(Count) },
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function startCounters() {
  const endpoints: OperationEndpoint[] = []
  const transport: Transport = {
    name: 'direct',
    carries: () => true,
    bind: ({ operations }) => {
      endpoints.push(...operations)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  const service = defineService({
    name: 'counters',
    version: '1.0.0',
    admin: false,
    transports: () => [transport],
    handlers: [
      defineHandler(counters, () => ({
        async next({ count }, { signal }) {
          if (count % 10 === 0) await gone(signal)
          return { count: count + 1 }
        },
        async *countTo({ count }) {
          for (let index = 0; index < count; index += 1) yield { count: index }
        },
      })),
    ],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const dispatch = (operation: { readonly id: string }) => {
    const endpoint = endpoints.find((one) => one.operation.id === operation.id)
    if (endpoint === undefined) throw new Error(`${operation.id} is not served`)
    return endpoint.dispatch
  }
  return { dispatch, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

/** Waits for the call to be cancelled. */
function gone(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function heapMegabytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** Timers that are set and have neither fired nor been cleared; Node itself counts none that does not hold the process. */
function countTimers(): () => number {
  const live = new Set<unknown>()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  vi.stubGlobal('setTimeout', (run: () => void, delayMs?: number) => {
    const timer = set(() => {
      live.delete(timer)
      run()
    }, delayMs)
    live.add(timer)
    return timer
  })
  vi.stubGlobal('clearTimeout', (timer: NodeJS.Timeout | undefined) => {
    live.delete(timer)
    clear(timer)
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  return () => live.size
}

/** Listeners a signal has, counted as they come and go. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    count += 1
    addEventListener.apply(signal, given)
  }
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    count -= 1
    removeEventListener.apply(signal, given)
  }
  return () => count
}

test('a million calls with deadlines and cancels leave less than 5 MB, no timer and no listener', async () => {
  const timerCount = countTimers()
  await using service = await startCounters()
  const dispatch = service.dispatch(counters.next)
  const longLived = new AbortController()
  const listenerCount = countListeners(longLived.signal)
  const run = async (callCount: number) => {
    for (let index = 0; index < callCount; index += 1) {
      const isCancelled = index % 10 === 0
      const caller = isCancelled ? new AbortController() : longLived
      const answered = dispatch({
        transport: 'test',
        metadata: {},
        timeoutMs: 60_000,
        signal: caller.signal,
        decode: () => ({ count: index }),
      })
      if (isCancelled) caller.abort(new ServiceError('cancelled', 'left'))
      const outcome = await answered
      if (outcome.ok === isCancelled) throw new Error(`call ${index} came to something else`)
    }
  }
  await run(50_000)
  const heapBefore = heapMegabytes()
  await run(1_000_000)
  expect(heapMegabytes() - heapBefore).toBeLessThan(5)
  // The one that all deadlines share.
  expect(timerCount()).toBeLessThanOrEqual(1)
  expect(listenerCount()).toBe(0)
}, 120_000)

test('a stream of a million items needs no more memory at its end than at its beginning', async () => {
  await using service = await startCounters()
  const outcome = await service.dispatch(counters.countTo)({
    transport: 'test',
    metadata: {},
    decode: () => ({ count: 1_000_000 }),
  })
  if (!outcome.ok) throw outcome.error
  let heapEarly = 0
  let read = 0
  for await (const _ of outcome.value as AsyncIterable<unknown>) {
    read += 1
    if (read === 50_000) heapEarly = heapMegabytes()
  }
  expect(read).toBe(1_000_000)
  expect(heapMegabytes() - heapEarly).toBeLessThan(5)
}, 120_000)
