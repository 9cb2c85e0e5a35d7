import type { TimedPhase } from '../instance/instance-message.ts'
import type { ReadyBackend } from './balancer-message.ts'
import type { ReadinessPlace } from './drain-task.ts'
import type { InstanceProcess, ProcessEnd } from './instance-process.ts'
import { askReadiness, type ProbeAnswer, ReadinessWatch } from './readiness-watch.ts'

/** What one instance did from its start to its end. Times are in milliseconds from the signal to stop on. */
export interface InstanceRecord {
  readonly startPhases: readonly TimedPhase[]
  /** When its probe said first that it is not ready; undefined when it never did. */
  readonly notReadyAfterMs: number | undefined
  /** When its probe said last that it is ready, after the signal. */
  readonly readyUntilMs: number | undefined
  /** When it first took no connection although its probe had said it is ready, by protocol. */
  readonly refusals: readonly Refusal[]
  readonly end: ProcessEnd
  readonly stopMs: number
  /** Whether it had to be killed, for its time was over. */
  readonly wasKilled: boolean
  /** Whether it told that its shutdown is over, well or not. */
  readonly hasStopped: boolean
  readonly stopPhases: readonly TimedPhase[]
  /** The phase of the stop in which it ended, where it ended in one. */
  readonly runningPhase: string | undefined
  /** The last lines that it has printed. */
  readonly output: string
}

export interface Refusal {
  readonly protocol: string
  /** Undefined before the signal. */
  readonly afterMs: number | undefined
}

/** One instance behind the balancer, and what is noted of it. */
export class VerifiedInstance {
  readonly process: InstanceProcess
  readonly #place: ReadinessPlace
  readonly #changed: () => void
  readonly #firstReady = Promise.withResolvers<void>()
  readonly #refusals: Refusal[] = []
  #watch: ReadinessWatch | undefined
  #isReady = false
  #stopAskedAtMs: number | undefined
  #notReadyAfterMs: number | undefined
  #readyUntilMs: number | undefined

  /** @param changed Is told when it has become ready, or is so no more: its probe says no, or its process has ended. */
  constructor(process: InstanceProcess, place: ReadinessPlace, changed: () => void) {
    this.process = process
    this.#place = place
    this.#changed = changed
    void process.ended.then(() => this.#gone())
  }

  /** As a balancer takes it; undefined while it is not ready. */
  get backend(): ReadyBackend | undefined {
    if (!this.#isReady) return undefined
    return { id: this.process.pid, addresses: this.process.addresses }
  }

  /** It did not take a connection though it had said that it is ready. */
  refused(protocol: string): void {
    this.#refusals.push({ protocol, afterMs: this.#sinceStop() })
  }

  /** Resolves when its probe says so. @throws Error with what it printed, or that says what did not come in time */
  async untilReady(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(this.#lateText(timeoutMs))), timeoutMs)
    try {
      await Promise.race([this.process.ready, late.promise])
      const { protocol, path } = this.#place
      const address = this.process.at(protocol)
      if (address === undefined) throw new Error(`it has no address for ${protocol}, where its readiness is asked`)
      this.#watch = new ReadinessWatch(
        () => askReadiness(address, path),
        (answer) => this.#answered(answer),
      )
      await Promise.race([this.#firstReady.promise, late.promise, this.#untilGone()])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks it to stop as Kubernetes does, and kills it when its time is over. */
  async stop(timeoutMs: number): Promise<InstanceRecord> {
    this.#stopAskedAtMs = performance.now()
    this.process.signal('SIGTERM')
    let wasKilled = false
    const timer = setTimeout(() => {
      wasKilled = true
      this.process.signal('SIGKILL')
    }, timeoutMs)
    const end = await this.process.ended
    clearTimeout(timer)
    return this.#record(end, wasKilled)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]()
    await this.process[Symbol.asyncDispose]()
  }

  #record(end: ProcessEnd, wasKilled: boolean): InstanceRecord {
    return {
      startPhases: this.process.startPhases,
      notReadyAfterMs: this.#notReadyAfterMs,
      readyUntilMs: this.#readyUntilMs,
      refusals: this.#refusals,
      end,
      stopMs: this.#sinceStop() ?? 0,
      wasKilled,
      hasStopped: this.process.told !== undefined,
      stopPhases: this.process.stopPhases,
      runningPhase: this.process.runningPhase,
      output: this.process.output(),
    }
  }

  #answered(answer: ProbeAnswer): void {
    this.#turn(answer === 'ready')
    if (answer === 'ready') this.#firstReady.resolve()
    const afterMs = this.#sinceStop()
    if (afterMs === undefined) return
    if (answer === 'ready') this.#readyUntilMs = afterMs
    if (answer === 'not_ready') this.#notReadyAfterMs ??= afterMs
  }

  /** The probe may have said yes a moment before, and the balancer would lead callers to nobody. */
  #gone(): void {
    this.#watch?.[Symbol.dispose]()
    this.#turn(false)
  }

  #turn(isReady: boolean): void {
    if (isReady === this.#isReady) return
    this.#isReady = isReady
    this.#changed()
  }

  #sinceStop(): number | undefined {
    return this.#stopAskedAtMs === undefined ? undefined : Math.round(performance.now() - this.#stopAskedAtMs)
  }

  async #untilGone(): Promise<never> {
    await this.process.ended
    throw new Error(`it ended before it was ready:\n${this.process.output()}`)
  }

  #lateText(timeoutMs: number): string {
    return `it was not ready within ${timeoutMs} ms; it printed:\n${this.process.output()}`
  }
}
