import { toFound } from '../error/given-value.ts'
import { ConfigError, type SetupProblem } from '../error/setup-error.ts'
import type { Logger } from '../telemetry/log.ts'
import { checkName } from './name-form.ts'
import type { NeedValues, Token } from './provider.ts'

/** What a background task gets after the values it needs. */
export interface TaskContext {
  /** Fires when the service drains: the task is to end then, within what is left of the shutdown. Pass it on to what waits. */
  readonly signal: AbortSignal
  /** The service's, with the task's name. */
  readonly log: Logger
}

/** When a task is begun again: whenever it has ended, when it has thrown, or not at all. */
export type RestartPolicy = 'always' | 'on-failure' | 'never'

export interface TaskOptions<Needs extends readonly Token[]> {
  /** What must exist before; handed to the task in this order. The service creates it for the task alone, too. */
  readonly needs?: Needs
  /** A task that returns has ended with `on-failure` and `never`, and that is well. @defaultValue `on-failure` */
  readonly restart?: RestartPolicy
  /**
   * How often it is begun again after failures in a row, before it is given up: the service is not live any more then. A run of a minute
   * or longer, and one that returns, end the row.
   *
   * @defaultValue no limit, for what a task needs may be away for hours, and a new process does not bring it back
   * @remarks A whole number, 0 for none
   */
  readonly maxRestartCount?: number
  /**
   * Wait before the first restart; each one in a row is twice as long as the one before, and a random part of it is left out, up to a half.
   * Later waits begin at 100 ms, before that part is left out, so that a task which ends at once does not keep a core busy.
   *
   * @defaultValue 1_000
   * @remarks Range 0–3_600_000 ms
   */
  readonly initialDelayMs?: number
  /**
   * Longest wait; below 100 ms it bounds the first one only.
   *
   * @defaultValue 30_000, or `initialDelayMs` where that is longer
   * @remarks Range 0–3_600_000 ms, not below `initialDelayMs`
   */
  readonly maxDelayMs?: number
}

/** How a task is begun again. */
export interface TaskSettings {
  readonly restart: RestartPolicy
  /** Infinity for no limit. */
  readonly maxRestartCount: number
  readonly initialDelayMs: number
  readonly maxDelayMs: number
}

/** What is used where an option of a task is left out. The delays are guesses. */
export const taskDefaults = Object.freeze({
  restart: 'on-failure',
  maxRestartCount: Number.POSITIVE_INFINITY,
  initialDelayMs: 1_000,
  maxDelayMs: 30_000,
} satisfies TaskSettings)

/** Something that a service does for as long as it runs. Made by `task()`. */
export interface Task {
  readonly name: string
  readonly needs: readonly Token[]
  readonly settings: TaskSettings
  /** Gets the values it needs, and a `TaskContext` after them. */
  run(...given: readonly unknown[]): unknown
}

/**
 * Declares what a service does in the background from the moment it is first ready until it drains: `background: [task('relay', async (outbox,
 * { signal }) => …, { needs: [Outbox] })]`. As a hook, it gets the values it needs first and its context last.
 *
 * @param name One line of up to 100 characters, for logs, `/info`, probes and errors.
 * @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once.
 */
export function task<const Needs extends readonly Token[] = readonly []>(
  name: string,
  run: (...given: [...needed: NeedValues<Needs>, context: TaskContext]) => unknown,
  options: TaskOptions<Needs> = {},
): Task {
  const settings = resolveTask(options)
  const problems = [...checkName('task(…)', name), ...checkRun(name, run), ...checkSettings(name, settings)]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ name, needs: options.needs ?? [], settings, run: run as Task['run'] })
}

function resolveTask(options: Omit<TaskOptions<never>, 'needs'>): TaskSettings {
  const { initialDelayMs = taskDefaults.initialDelayMs } = options
  return Object.freeze({
    restart: options.restart ?? taskDefaults.restart,
    maxRestartCount: options.maxRestartCount ?? taskDefaults.maxRestartCount,
    initialDelayMs,
    maxDelayMs: options.maxDelayMs ?? Math.max(taskDefaults.maxDelayMs, initialDelayMs),
  })
}

const policies: readonly unknown[] = ['always', 'on-failure', 'never'] satisfies readonly RestartPolicy[]

const longestDelayMs = 3_600_000

function checkRun(name: string, run: unknown): readonly SetupProblem[] {
  if (typeof run === 'function') return []
  return [{ code: 'config.malformed', message: `task("${name}", …): expected a function, found ${toFound(run)}` }]
}

function checkSettings(name: string, settings: TaskSettings): readonly SetupProblem[] {
  const { restart, maxRestartCount, initialDelayMs, maxDelayMs } = settings
  const where = `task("${name}", …)`
  const problems: SetupProblem[] = []
  if (!policies.includes(restart)) {
    const message = `${where}: restart must be always, on-failure or never, found ${toFound(restart)}`
    problems.push({ code: 'config.malformed', message })
  }
  const outOfRange = (message: string) =>
    problems.push({ code: 'config.out_of_range', message: `${where}: ${message}` })
  const isCount = Number.isSafeInteger(maxRestartCount) || maxRestartCount === taskDefaults.maxRestartCount
  if (!isCount || maxRestartCount < 0)
    outOfRange(`maxRestartCount must be a whole number from 0, found ${toFound(maxRestartCount)}`)
  if (!(initialDelayMs >= 0 && initialDelayMs <= longestDelayMs))
    outOfRange(`initialDelayMs must be from 0 to ${longestDelayMs}, found ${toFound(initialDelayMs)}`)
  else if (!(maxDelayMs >= initialDelayMs && maxDelayMs <= longestDelayMs))
    outOfRange(
      `maxDelayMs must be from initialDelayMs (${initialDelayMs}) to ${longestDelayMs}, found ${toFound(maxDelayMs)}`,
    )
  return problems
}
