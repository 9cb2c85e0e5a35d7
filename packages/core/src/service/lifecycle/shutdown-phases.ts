import type { Registry } from '../../registry/registry.ts'
import type { TransportServer } from '../../transport/transport.ts'
import { telemetrySinks } from '../../telemetry/flush.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { AdminServer } from '../probe/admin-server.ts'
import type { Announcement } from './announcement.ts'
import type { BoundHook } from './bound-hooks.ts'
import type { Drain } from './drain.ts'
import { flushAll } from './flush-all.ts'
import type { Health } from '../health/health.ts'
import { type StopPhaseName, stopPhases } from './phase.ts'
import { runAll } from './run-hooks.ts'
import { throwErrors, withAll } from './servers.ts'
import { onDrainTime, shares } from './shutdown-room.ts'
import type { Schedules } from '../schedule/schedules.ts'
import type { Background } from '../background/background.ts'
import type { LiveConfig } from '../live/live-config.ts'
import type { ConfigSpec } from '../config/config.ts'
import type { ServiceSettings } from '../service-options.ts'
import type { RunningTelemetry } from '../telemetry/telemetry.ts'
import { type ShutdownPhase, untilFired, wait } from './shutdown.ts'

/** What of a service is there, also while it still starts. */
export interface ServiceParts {
  readonly log: Logger
  readonly drain: Drain
  readonly admin: AdminServer | undefined
  readonly container: { dispose(timeoutMs: number): Promise<readonly Error[]> } | undefined
  readonly health: Health | undefined
  readonly servers: readonly TransportServer[]
  readonly announcement: Announcement | undefined
  /** Closed when nobody is announced or looked for there any more. */
  readonly registry: Pick<Registry, 'close'> | undefined
  readonly schedules: Schedules | undefined
  readonly background: Background | undefined
  readonly live: Pick<LiveConfig<ConfigSpec>, 'end' | 'close'> | undefined
  readonly telemetry: RunningTelemetry | undefined
  /** Of hooks those whose time to run may come, for what goes before them has begun. */
  readonly hooks: readonly BoundHook[]
}

/** How much work a shutdown meets: calls of others who know the service, of some who found it by chance, or of a failed start. */
export type ShutdownKind = 'announced' | 'unannounced' | 'failed'

type Timing = Pick<ServiceSettings, 'shutdownTimeoutMs' | 'deregisterDelayMs'>

/** How a service is to stop. */
export interface StopOptions {
  /**
   * What ends before this service drains, such as services of the same process that call it. It serves until then, as long as
   * its own shutdown leaves the time.
   */
  readonly drainAfter?: Promise<unknown>
}

export interface Shutdown extends StopOptions {
  readonly kind: ShutdownKind
  /** The hook of `onReady` that still runs; what `onDrain` ends must not begin behind it. */
  readonly readying?: BoundHook | undefined
}

/** The way from serving to stopped: of all phases those for which there is something to do. */
export function shutdownPhases(parts: ServiceParts, shutdown: Shutdown, timing: Timing): readonly ShutdownPhase[] {
  const steps = shutdown.kind === 'failed' ? cutSteps(parts) : drainSteps(parts, shutdown, timing)
  const all = { ...steps, ...closeSteps(parts, timing) }
  return stopPhases.flatMap((name) => {
    const step = all[name]
    return step ? { name, ...step } : []
  })
}

/** What is done in a phase. */
type Step = Omit<ShutdownPhase, 'name'>

type CutPhase = 'cut calls'
type ClosePhase = 'close transports' | 'onStop' | 'dispose providers' | 'flush telemetry' | 'close admin server'
type Steps<Name extends StopPhaseName> = Readonly<Record<Name, Step | undefined>>

/** No transport takes longer to close when nothing runs. A guess. */
const closeTransportsLimitShare = 0.2

/** A collector that does not answer must not hold up the end of a process. A guess. */
const flushLimitShare = 0.2

function cutSteps({ drain }: ServiceParts): Partial<Steps<StopPhaseName>> {
  return { 'cut calls': { limitMs: 100, reserveMs: 0, run: () => drain.cut() } } satisfies Steps<CutPhase>
}

function drainSteps(
  parts: ServiceParts,
  { kind, drainAfter, readying }: Shutdown,
  timing: Timing,
): Partial<Steps<StopPhaseName>> {
  const { drain, live, servers, announcement, schedules } = parts
  const { shutdownTimeoutMs } = timing
  const deregisterDelayMs = kind === 'announced' ? timing.deregisterDelayMs : 0
  const deregisterMs = shutdownTimeoutMs * shares.deregister
  return {
    withdraw: {
      limitMs: 100,
      reserveMs: 0,
      run: () => {
        schedules?.end()
        return withAll(servers, 'transports could not withdraw', (server) => server.withdraw())
      },
    },
    deregister: announcement?.isBegun
      ? { limitMs: deregisterMs, reserveMs: deregisterMs, run: (signal) => announcement.withdraw(signal) }
      : undefined,
    'deregister delay':
      deregisterDelayMs > 0
        ? {
            // More than it needs, so that it is cut short only where too little is left.
            limitMs: deregisterDelayMs + 1_000,
            reserveMs: 0,
            run: (signal) => delay(parts, deregisterDelayMs, signal),
          }
        : undefined,
    'wait for other services': drainAfter && {
      reserveMs: 0,
      run: (signal) => Promise.race([drainAfter, untilFired(signal)]),
    },
    onDrain: onDrainStep(parts, readying, timing),
    drain: {
      reserveMs: shutdownTimeoutMs * shares.drain,
      run: (signal, timeoutMs, graceMs) => {
        // A task that waits for the next value of a setting is to end too.
        live?.end()
        return drain.run(parts, signal, { timeoutMs, graceMs })
      },
    },
  } satisfies Steps<Exclude<StopPhaseName, CutPhase | ClosePhase>>
}

async function delay({ log }: ServiceParts, deregisterDelayMs: number, signal: AbortSignal): Promise<void> {
  const beganAtMs = performance.now()
  await wait(deregisterDelayMs, signal)
  if (!signal.aborted) return
  const waitedMs = Math.round(performance.now() - beganAtMs)
  const message = 'the deregister delay was cut short, for too little of the shutdown was left: callers may still come'
  log.warn({ deregisterDelayMs, waitedMs }, message)
}

function onDrainStep(
  { hooks, log }: ServiceParts,
  readying: BoundHook | undefined,
  { shutdownTimeoutMs }: Timing,
): Step | undefined {
  const own = [...(readying ? [readying] : []), ...hooks.filter(({ point }) => point === 'onDrain')]
  if (own.length === 0) return undefined
  const { limitMs, reserveMs, needsMs } = onDrainTime(own, shutdownTimeoutMs)
  return { limitMs, reserveMs, run: (signal, timeoutMs) => runAll(own, { timeoutMs, signal, log }, needsMs) }
}

function onStopStep({ hooks, log }: ServiceParts, { shutdownTimeoutMs }: Timing): Step | undefined {
  const own = hooks.filter(({ point }) => point === 'onStop')
  if (own.length === 0) return undefined
  return {
    reserveMs: shutdownTimeoutMs * shares.onStop,
    run: (signal, timeoutMs) => runAll(own, { timeoutMs, signal, log }),
  }
}

function closeSteps(parts: ServiceParts, timing: Timing): Steps<ClosePhase> {
  const { shutdownTimeoutMs } = timing
  const { admin, container, health, live, registry, servers } = parts
  return {
    'close transports': {
      limitMs: shutdownTimeoutMs * closeTransportsLimitShare,
      reserveMs: shutdownTimeoutMs * shares.closeTransports,
      run: () => withAll(servers, 'transports could not close', (server) => server.close()),
    },
    onStop: onStopStep(parts, timing),
    'dispose providers': {
      reserveMs: shutdownTimeoutMs * shares.dispose,
      run: async (_signal, timeoutMs) => {
        // A check must not meet a value that is gone.
        health?.close()
        const disposed = (await container?.dispose(timeoutMs)) ?? []
        const closed = await failuresOf([() => registry?.close?.(), () => live?.close()])
        throwErrors([...disposed, ...closed], 'providers could not be disposed')
      },
    },
    'flush telemetry': flushStep(parts, timing),
    'close admin server': {
      limitMs: shutdownTimeoutMs * shares.closeAdmin,
      reserveMs: shutdownTimeoutMs * shares.closeAdmin,
      run: () => admin?.close(),
    },
  }
}

/** Of what is closed side by side that which failed; of what failed in several places, each. */
async function failuresOf(closing: readonly (() => Promise<void> | undefined)[]): Promise<readonly Error[]> {
  const results = await Promise.allSettled(closing.map(async (close) => close()))
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
  return reasons.flatMap((reason) => (reason instanceof AggregateError ? (reason.errors as Error[]) : [reason]))
}

/** What providers tell while they are disposed is telemetry too; one that is an SDK itself has flushed then. */
function flushStep({ log, telemetry }: ServiceParts, { shutdownTimeoutMs }: Timing): Step | undefined {
  const sinks = telemetrySinks(log, telemetry)
  if (sinks.length === 0) return undefined
  return {
    limitMs: shutdownTimeoutMs * flushLimitShare,
    reserveMs: shutdownTimeoutMs * shares.flush,
    run: (_signal, timeoutMs) => flushAll(sinks, timeoutMs),
  }
}
