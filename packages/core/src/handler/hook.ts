import { toFound } from '../error/given-value.ts'
import { ConfigError, type SetupProblem, WiringError } from '../error/setup-error.ts'
import type { Logger } from '../telemetry/log.ts'
import { checkName } from './name-form.ts'
import { isToken, type NeedValues, type Token, tokenName } from './provider.ts'

/** What a hook gets after the values it needs. */
export interface HookContext {
  /**
   * Fires when the hook's time is over, shortly before the service goes on without it, and when a start is given up. Pass it on
   * to what waits.
   */
  readonly signal: AbortSignal
  /** The service's, with the hook's name. */
  readonly log: Logger
}

export interface HookOptions<Needs extends readonly Token[]> {
  /** What must exist before; handed to the hook in this order. The service creates it for the hook alone, too. */
  readonly needs?: Needs
  /**
   * Longest time the hook may take.
   *
   * @defaultValue in a start what is left of `startTimeoutMs`; in a stop its even part of what is left for the hooks
   * @remarks Range 1–3_600_000 ms. What hooks of `onDrain` are given together must fit into `shutdownTimeoutMs`.
   */
  readonly timeoutMs?: number
}

/** Something that a service does at a point of its life. Made by `hook()`. */
export interface Hook {
  readonly name: string
  readonly needs: readonly Token[]
  readonly timeoutMs: number | undefined
  /** Gets the values it needs, and a `HookContext` after them. */
  run(...given: readonly unknown[]): unknown
}

/**
 * Declares what a service does at a point of its life: `hook('migrate', (db, { signal }) => migrate(db, signal), { needs: [Db] })` in
 * its `onStart`, `onReady`, `onDrain` or `onStop`. As `create` of a provider, it gets the values it needs first and its context last.
 *
 * @param name One line of up to 100 characters, for logs, `/info` and errors.
 * @throws ConfigError `config.malformed`, `config.out_of_range`; WiringError `wiring.missing_provider` for a need that is no token.
 */
export function hook<const Needs extends readonly Token[] = readonly []>(
  name: string,
  run: (...given: [...needed: NeedValues<Needs>, context: HookContext]) => unknown,
  options: HookOptions<Needs> = {},
): Hook {
  const { needs = [], timeoutMs } = options
  const problems = [...checkName('hook(…)', name), ...checkRun(name, run), ...checkTimeout(name, timeoutMs)]
  if (problems.length > 0) throw new ConfigError(problems)
  const stray = needs.find((need) => !isToken(need))
  if (needs.some((need) => !isToken(need))) {
    const message = `hook("${name}", …): needs: expected classes and tokens, found ${tokenName(stray as Token)}: import cycle?`
    throw new WiringError([{ code: 'wiring.missing_provider', message }])
  }
  return Object.freeze({ name, needs, timeoutMs, run: run as Hook['run'] })
}

const longestMs = 3_600_000

function checkRun(name: string, run: unknown): readonly SetupProblem[] {
  if (typeof run === 'function') return []
  return [{ code: 'config.malformed', message: `hook("${name}", …): expected a function, found ${toFound(run)}` }]
}

function checkTimeout(name: string, timeoutMs: number | undefined): readonly SetupProblem[] {
  if (timeoutMs === undefined || (timeoutMs >= 1 && timeoutMs <= longestMs)) return []
  const message = `hook("${name}", …): timeoutMs must be from 1 to ${longestMs}, found ${toFound(timeoutMs)}`
  return [{ code: 'config.out_of_range', message }]
}
