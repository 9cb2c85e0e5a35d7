import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../../telemetry/log.ts'
import { PhaseJournal } from './phase-journal.ts'
import { runPhases } from './shutdown.ts'
import { type ServiceParts, type Shutdown, shutdownPhases } from './shutdown-phases.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const never = () => new Promise<never>(() => undefined)
const timing = { shutdownTimeoutMs: 10_000, deregisterDelayMs: 1_000 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Nothing of it ever ends. */
const hanging = {
  log,
  drain: { run: never, cut: never },
  admin: { close: never },
  container: { dispose: never },
  health: undefined,
  servers: [{ withdraw: never, close: never }],
  announcement: { isBegun: true, withdraw: never },
  hooks: (['onDrain', 'onStop'] as const).map((point) => ({ point, name: 'hangs', timeoutMs: undefined, run: never })),
} as unknown as ServiceParts

/** How long each phase took. */
async function durations(parts: ServiceParts, shutdown: Shutdown): Promise<Readonly<Record<string, number>>> {
  const journal = new PhaseJournal({ service: 'note', log, hide: (text) => text })
  const endsAtMs = performance.now() + timing.shutdownTimeoutMs
  const done = runPhases(shutdownPhases(parts, shutdown, timing), { endsAtMs, journal })
  await vi.runAllTimersAsync()
  return Object.fromEntries((await done).map(({ phase, durationMs }) => [phase, durationMs]))
}

describe('shutdownPhases', () => {
  it('leaves every phase time of its own where all hang, the drain a fifth, and ends by the deadline', async () => {
    const took = await durations(hanging, { kind: 'announced', drainAfter: never() })
    expect(took).toEqual({
      withdraw: 100,
      deregister: 1_000,
      'deregister delay': 1_000,
      'wait for other services': 2_160,
      onDrain: 666,
      drain: 2_074,
      'close transports': 500,
      onStop: 900,
      'dispose providers': 1_100,
      'close admin server': 500,
    })
    expect(Object.values(took).reduce((sum, durationMs) => sum + durationMs, 0)).toBe(10_000)
  })

  it('leaves a drain alone that hangs all but what closing needs', async () => {
    const drains = { ...hanging, hooks: [], announcement: undefined, servers: [] }
    expect(await durations(drains, { kind: 'unannounced' })).toEqual({
      withdraw: 0,
      drain: 8_000,
      'close transports': 0,
      'dispose providers': 1_500,
      'close admin server': 500,
    })
  })

  it('undoes a failed start within its deadline, and cuts calls for no longer than a moment', async () => {
    expect(await durations(hanging, { kind: 'failed' })).toEqual({
      'cut calls': 100,
      'close transports': 2_000,
      onStop: 5_900,
      'dispose providers': 1_500,
      'close admin server': 500,
    })
  })

  it('lets hooks that hang before the drain hold it up for a fifth of the time', async () => {
    const pauses = { ...hanging, announcement: undefined, servers: [] }
    expect(await durations(pauses, { kind: 'unannounced' })).toMatchObject({ onDrain: 1_800, drain: 5_200 })
  })

  it('closes an admin server that hangs for no longer than a moment', async () => {
    const rest = { drain: { run: () => undefined }, servers: [], hooks: [], announcement: undefined }
    const parts = { ...hanging, ...rest, container: undefined } as unknown as ServiceParts
    expect(await durations(parts, { kind: 'unannounced' })).toMatchObject({ 'close admin server': 500 })
  })

  it('tells the registry when the time to deregister is over, and waits for what it makes of that', async () => {
    const withdraw = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))
    const parts = { ...hanging, announcement: { isBegun: true, withdraw } } as unknown as ServiceParts
    expect(await durations(parts, { kind: 'announced' })).toMatchObject({ deregister: 900 })
  })

  it('has nothing to deregister where nothing was announced, and nobody to wait for', () => {
    const announcement = { isBegun: false } as ServiceParts['announcement']
    const phases = shutdownPhases({ ...hanging, announcement }, { kind: 'unannounced' }, timing)
    expect(phases.map(({ name }) => name)).not.toContain('deregister')
  })
})
