import type { SetupProblem } from '../../error/setup-error.ts'
import { durationWithin, limitFor } from '../../handler/time-limit.ts'
import type { BoundHook, HookLists } from './bound-hooks.ts'

/** What a service asks of the one deadline over its shutdown. */
export interface ShutdownRoom extends Pick<HookLists, 'onReady' | 'onDrain' | 'onStop'> {
  readonly shutdownTimeoutMs: number
  /** Whether there is something to deregister. */
  readonly hasRegistry: boolean
}

/**
 * Parts of the whole shutdown that are kept back for a phase. Guesses: closing is fast when nothing runs; a drain that a long
 * delay leaves no time would cut what the delay was meant to save.
 */
export const shares = Object.freeze({
  deregister: 0.1,
  onDrain: 0.05,
  drain: 0.2,
  closeTransports: 0.05,
  onStop: 0.1,
  dispose: 0.1,
  flush: 0.05,
  closeAdmin: 0.05,
})

/** What hooks without a time of their own may hold up a shutdown by, so that one that hangs leaves the drain most of the time. A guess. */
const onDrainLimitShare = 0.2

/** Part of a shutdown, and the most of it, that goes by between its phases. A guess. */
const slackShare = 0.05
const longestSlackMs = 100

type TimedHooks = readonly Pick<BoundHook, 'timeoutMs'>[]

/** How long hooks hold up a drain. */
export interface OnDrainTime {
  readonly limitMs: number
  readonly reserveMs: number
  /** Of each hook. */
  readonly needsMs: readonly number[]
}

/** Hooks have as long as they were given, and a part of the shutdown together that were given no time. */
export function onDrainTime(hooks: TimedHooks, shutdownTimeoutMs: number): OnDrainTime {
  const givenMs = givenTimeOf(hooks)
  const openCount = hooks.filter(({ timeoutMs }) => timeoutMs === undefined).length
  const openLimitMs = openCount === 0 ? 0 : shutdownTimeoutMs * onDrainLimitShare
  const openMs = durationWithin(openLimitMs)
  const openReserveMs = openCount === 0 ? 0 : shutdownTimeoutMs * shares.onDrain
  return {
    limitMs: Math.max(openLimitMs, limitFor(givenMs + openMs)),
    reserveMs: givenLimitMs(hooks) + openReserveMs,
    needsMs: hooks.map(({ timeoutMs }) => timeoutMs ?? openMs / openCount),
  }
}

/** The longest `deregisterDelayMs` that the shutdown can keep beside the time that hooks of `onDrain` were given. */
export function longestDelayMs(room: ShutdownRoom): number {
  return durationWithin(spareMs(room) - givenLimitMs(room.onDrain))
}

/** `config.out_of_range` for a delay, or for times given to hooks of `onDrain`, that the shutdown could not keep. */
export function checkShutdownRoom(room: ShutdownRoom, deregisterDelayMs: number): readonly SetupProblem[] {
  const { shutdownTimeoutMs, onDrain = [] } = room
  const place = `does not fit into shutdownTimeoutMs (${shutdownTimeoutMs})`
  const spare = spareMs(room)
  const delayMs = deregisterDelayMs > 0 ? limitFor(deregisterDelayMs) : 0
  if (delayMs > 0 && delayMs > spare)
    return problem(
      `deregisterDelayMs (${deregisterDelayMs}) ${place} with what is kept for the drain and all that follows: set it to ${longestDelayMs(room)} at most, or let the shutdown take longer`,
    )
  if (!(givenLimitMs(onDrain) > Math.max(0, spare - delayMs))) return []
  return problem(
    `the time that hooks of onDrain were given together (${givenTimeOf(onDrain)} ms) ${place} with deregisterDelayMs (${deregisterDelayMs}) and what is kept for the drain and all that follows: give them ${durationWithin(spare - delayMs)} ms at most, or let the shutdown take longer`,
  )
}

/** What a shutdown has left for a delay and for hooks that were given a time. */
function spareMs({ shutdownTimeoutMs, hasRegistry, onReady = [], onDrain = [], onStop = [] }: ShutdownRoom): number {
  // A hook of `onReady` that still runs is waited for together with those of `onDrain`.
  const isOpen = onReady.length > 0 || onDrain.some(({ timeoutMs }) => timeoutMs === undefined)
  const all = Object.values(shares).reduce((sum, share) => sum + share, 0)
  const needless =
    (hasRegistry ? 0 : shares.deregister) + (isOpen ? 0 : shares.onDrain) + (onStop.length > 0 ? 0 : shares.onStop)
  const slackMs = Math.min(longestSlackMs, shutdownTimeoutMs * slackShare)
  return shutdownTimeoutMs * (1 - all + needless) - slackMs
}

function givenTimeOf(hooks: TimedHooks): number {
  return hooks.reduce((sum, { timeoutMs = 0 }) => sum + timeoutMs, 0)
}

/** What the shutdown has to have left for those that were given a time. */
function givenLimitMs(hooks: TimedHooks = []): number {
  const givenMs = givenTimeOf(hooks)
  return givenMs === 0 ? 0 : limitFor(givenMs)
}

function problem(message: string): readonly SetupProblem[] {
  return [{ code: 'config.out_of_range', message }]
}
