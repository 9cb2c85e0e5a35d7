import { LifecycleError } from '../../error/setup-error.ts'
import { isAnswerTo } from '../../handler/is-answer-to.ts'
import type { TaskSettings } from '../../handler/task.ts'
import { type CountedLine, countedLine } from '../../telemetry/counted-line.ts'
import type { Logger } from '../../telemetry/log.ts'
import { recordRestart } from '../../telemetry/schedule-metrics.ts'
import { wait } from '../lifecycle/shutdown.ts'
import type { BoundTask } from './bound-tasks.ts'

/** A background task as `/info` shows it. */
export interface TaskState {
  readonly name: string
  /** `idle` before the service is ready; `waiting` for a restart; `ended` by itself, or by the drain; `failed` for good. */
  readonly state: 'idle' | 'running' | 'waiting' | 'ended' | 'failed'
  readonly restartCount: number
  /** Of its last run that failed, in the error's own words without secrets. */
  readonly failure: string | undefined
}

export interface SupervisedTaskOptions {
  /** Name of the service. */
  readonly service: string
  readonly log: Logger
  /** What a task threw, in words without secrets. */
  readonly toReason: (error: unknown) => string
  /** It has failed for good. */
  readonly onFailed: () => void
}

/** Runs one task, and begins it again by its policy. */
export class SupervisedTask {
  readonly name: string
  readonly #task: BoundTask
  readonly #options: SupervisedTaskOptions
  readonly #log: Logger
  readonly #ending = new AbortController()
  readonly #restarts: CountedLine
  #state: TaskState['state'] = 'idle'
  #restartCount = 0
  #failuresInARow = 0
  #failure: string | undefined
  /** What is told of the last failure after which it begins again. */
  #lastFailure: object = {}
  /** Settles when nothing of it runs; rejects when it failed instead of ending. */
  #end: Promise<void> = Promise.resolve()

  constructor(task: BoundTask, options: SupervisedTaskOptions) {
    this.name = task.name
    this.#task = task
    this.#options = options
    this.#log = options.log.child({ task: task.name })
    this.#restarts = countedLine((failureCount) =>
      this.#log.error({ ...this.#lastFailure, failureCount }, `background task ${this.name} failed, and begins again`),
    )
  }

  get state(): TaskState {
    return { name: this.name, state: this.#state, restartCount: this.#restartCount, failure: this.#failure }
  }

  begin(): void {
    this.#end = this.#supervise().finally(() => this.#restarts.close())
    // Whoever drains looks at it.
    this.#end.catch(() => undefined)
  }

  /**
   * Asks it to end, and waits for that until the signal fires.
   *
   * @throws LifecycleError `service.task_failed` when it fails meanwhile, or has not ended.
   */
  async end(signal: AbortSignal): Promise<void> {
    this.#ending.abort()
    const { promise: overdue, reject } = Promise.withResolvers<never>()
    const giveUp = () => reject(taskFailed(`background task ${this.name} has not ended although its signal fired`))
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
    try {
      await Promise.race([this.#end, overdue])
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#ending
    for (;;) {
      const failure = await this.#runOnce()
      if (signal.aborted) return this.#endBySignal(failure)
      const delayMs = this.#delayBeforeRestart(failure)
      if (delayMs === undefined) return
      this.#state = 'waiting'
      await wait(delayMs, signal)
      if (signal.aborted) return this.#endBySignal(undefined)
      this.#restartCount += 1
      recordRestart({ service: this.#options.service, task: this.name })
    }
  }

  /** What it threw, if it did. */
  async #runOnce(): Promise<{ readonly error: unknown } | undefined> {
    const startedAtMs = performance.now()
    this.#state = 'running'
    try {
      await this.#task.run({ signal: this.#ending.signal, log: this.#log })
      this.#failuresInARow = 0
      return undefined
    } catch (error) {
      if (performance.now() - startedAtMs >= steadyAfterMs) this.#failuresInARow = 0
      this.#failuresInARow += 1
      return { error }
    }
  }

  /** Undefined when it is not begun again. */
  #delayBeforeRestart(failure: { readonly error: unknown } | undefined): number | undefined {
    const { restart, maxRestartCount, initialDelayMs } = this.#task.settings
    if (failure === undefined) {
      if (restart === 'always') return this.#restartCount === 0 ? initialDelayMs : Math.max(initialDelayMs, shortestMs)
      this.#state = 'ended'
      this.#log.info({}, `background task ${this.name} has ended`)
      return undefined
    }
    const { error } = failure
    this.#failure = this.#options.toReason(error)
    if (restart === 'never' || this.#failuresInARow > maxRestartCount) {
      this.#state = 'failed'
      this.#restarts.close()
      this.#log.error({ err: error }, `background task ${this.name} failed for good: the service is not live any more`)
      this.#options.onFailed()
      return undefined
    }
    const delayMs = Math.round(longestDelayMs(this.#task.settings, this.#failuresInARow) * (1 - Math.random() / 2))
    this.#lastFailure = { err: error, delayMs }
    this.#restarts.add()
    return delayMs
  }

  #endBySignal(failure: { readonly error: unknown } | undefined): void {
    this.#state = 'ended'
    if (failure === undefined || isAnswerTo(this.#ending.signal, failure.error)) return
    this.#failure = this.#options.toReason(failure.error)
    throw taskFailed(`background task ${this.name} failed while it ended: ${this.#failure}`, failure.error)
  }
}

/** Of the wait after a failure. Only the first one may be less than the shortest. */
function longestDelayMs({ initialDelayMs, maxDelayMs }: TaskSettings, failuresInARow: number): number {
  if (failuresInARow === 1) return initialDelayMs
  const doubledMs = Math.max(initialDelayMs, shortestMs / 2) * 2 ** (failuresInARow - 1)
  return Math.min(Math.max(maxDelayMs, shortestMs), doubledMs)
}

/** What begins again at once, time after time, would keep a core busy. A guess. */
const shortestMs = 100

/** A run that long has worked. A guess. */
const steadyAfterMs = 60_000

function taskFailed(message: string, cause?: unknown): LifecycleError {
  return new LifecycleError([{ code: 'service.task_failed', message }], cause)
}
