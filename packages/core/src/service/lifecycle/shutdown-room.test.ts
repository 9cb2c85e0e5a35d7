import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hook } from '../../handler/hook.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Transport } from '../../transport/transport.ts'
import { defineService } from '../define-service.ts'
import { checkShutdownRoom, longestDelayMs, onDrainTime, type ShutdownRoom } from './shutdown-room.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const never = () => new Promise<never>(() => undefined)
const hanging = (name: string, options = {}) => hook(name, never, options)

beforeEach(() => {
  vi.useFakeTimers()
  vi.clearAllMocks()
})
afterEach(() => void vi.useRealTimers())

/** Of every shape that changes what is kept. */
const shapes = [
  { hasRegistry: false },
  { hasRegistry: true },
  { hasRegistry: true, onReady: [hanging('greet')], onStop: [hanging('flush')] },
  { hasRegistry: true, onDrain: [hanging('pause')], onStop: [hanging('flush')] },
]
const rooms: readonly ShutdownRoom[] = [100, 1_000, 2_000, 5_000, 25_000, 90_000].flatMap((shutdownTimeoutMs) =>
  shapes.map((shape) => ({ ...shape, shutdownTimeoutMs })),
)

/** A service that hangs wherever it can, and how it stopped. */
async function stopOf({ hasRegistry, ...options }: ShutdownRoom, deregisterDelayMs: number) {
  const transport: Transport = {
    name: 'http',
    carries: () => true,
    bind: () => ({ listen: async () => [], withdraw: () => undefined, drain: never, close: never }),
  }
  const withdraw = () => new Promise<void>((resolve) => setTimeout(resolve, options.shutdownTimeoutMs * 0.05))
  const registrar = {
    announce: async () => ({ lost: new AbortController().signal, update: async () => undefined, withdraw }),
  }
  const service = defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [],
    transports: () => [transport],
    ...(hasRegistry && { registry: () => registrar }),
    ...options,
    onReady: [],
    admin: false,
    deregisterDelayMs,
  })
  const started = await service.start({ log, environment: {} })
  const stopped = started.stop()
  await vi.runAllTimersAsync()
  const { phases } = await stopped
  return (name: string) => phases.find(({ phase }) => phase === name)
}

describe('longestDelayMs', () => {
  it.each(rooms)('is the longest that is accepted of %j', (room) => {
    const longestMs = longestDelayMs(room)
    expect(checkShutdownRoom(room, longestMs)).toEqual([])
    expect(checkShutdownRoom(room, longestMs + 3)).toMatchObject([
      { code: 'config.out_of_range', message: expect.stringContaining(`set it to ${longestMs} at most`) },
    ])
  })

  it('is kept whatever hangs behind it', async () => {
    for (const room of rooms.filter(({ shutdownTimeoutMs }) => shutdownTimeoutMs > 100)) {
      const phase = await stopOf(room, longestDelayMs(room))
      expect(phase('deregister delay')?.durationMs).toBeGreaterThanOrEqual(longestDelayMs(room))
    }
    expect(log.warn).not.toHaveBeenCalledWith(expect.anything(), expect.stringContaining('cut short'))
  })
})

describe('hooks of onDrain that were given a time', () => {
  it.each([100, 5_000, 25_000])(
    'have it, up to what is told when they ask for more of %i ms',
    async (shutdownTimeoutMs) => {
      const room = (timeoutMs: number) => ({
        hasRegistry: false,
        shutdownTimeoutMs,
        onDrain: [hanging('one', { timeoutMs: timeoutMs / 2 }), hanging('two', { timeoutMs: timeoutMs / 2 })],
      })
      const delayMs = shutdownTimeoutMs / 10
      const [problem] = checkShutdownRoom(room(shutdownTimeoutMs), delayMs)
      const mostMs = Number(/give them (\d+) ms at most/.exec(problem?.message ?? '')?.[1])
      expect(checkShutdownRoom(room(mostMs), delayMs)).toEqual([])
      const errors = (await stopOf(room(mostMs), delayMs))('onDrain')?.error
      const failed = (name: string) => ({
        message: `onDrain hook ${name} failed: no end within ${Math.round(mostMs / 2)} ms [service.hook_failed]`,
      })
      expect(errors).toMatchObject({ errors: [failed('one'), failed('two')] })
    },
  )
})

describe('onDrainTime', () => {
  it('gives those that were given no time a fifth of the shutdown together', () => {
    const [open, given] = [{ timeoutMs: undefined }, { timeoutMs: 1_000 }]
    const even = onDrainTime([open, open], 10_000)
    expect(even).toMatchObject({ limitMs: 2_000, reserveMs: 500, needsMs: [even.needsMs[1], even.needsMs[0]] })
    const mixed = onDrainTime([open, given], 10_000)
    expect(mixed.needsMs).toEqual([(even.needsMs[0] ?? 0) * 2, 1_000])
    expect(mixed.limitMs).toBeGreaterThan(3_000)
    expect(mixed.reserveMs).toBeGreaterThan(1_500)
  })
})
