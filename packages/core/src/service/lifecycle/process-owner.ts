import { LifecycleError } from '../../error/setup-error.ts'
import { countedLine } from '../../telemetry/counted-line.ts'
import type { Logger } from '../../telemetry/log.ts'
import { longestLingerMs } from './linger.ts'
import { watchParent } from './parent-watch.ts'
import type { StopOptions } from './shutdown-phases.ts'

/** A service as the owner of the process sees it. */
export interface OwnedService {
  readonly name: string
  readonly log: Logger
  /** What SIGHUP does. */
  readonly onHangup: 'drain' | 'ignore'
  /** What the death of the process that started this one does. */
  readonly onParentExit: 'drain' | 'ignore'
  start(): Promise<unknown>
  /** Resolves when the service has stopped by itself or by `stop`. */
  ended(): Promise<{ readonly exitCode: number }>
  stop(options?: StopOptions): Promise<unknown>
}

const signals = ['SIGTERM', 'SIGINT'] as const

/** Terminals and npm both pass Ctrl-C on, so one press arrives twice within this time. */
const sameSignalMs = 200

/** The longest delay a timer can have: it only holds the process. @see Node.js documentation, setTimeout */
const holdMs = 2 ** 31 - 1

/** All services of the process share its signals and its exit code. */
class ProcessOwner {
  readonly #services = new Set<OwnedService>()
  readonly #onSignal = (signal: NodeJS.Signals) => this.#signalled(signal)
  readonly #onHangup = () => this.#hungUp()
  readonly #onCrash = (error: unknown, origin: string) => this.#crashed(error, origin)
  readonly #laterCrashes = countedLine((count) => this.#laterCrashed(count))
  #lastCrash: unknown
  /** Of the service that was run first. */
  #log: Logger | undefined
  #parentWatch: Disposable | undefined
  #signalledAt: number | undefined
  #exitCode = 0
  /** Why services could not start, for people: between the lines of the logs they would not find it. */
  readonly #lastWords: string[] = []
  #lingering: NodeJS.Timeout | undefined
  /** A service without a server and a connection has nothing else that keeps the process up. */
  #hold: NodeJS.Timeout | undefined

  /** Runs a service until a signal, or its own failure, ends it. Never rejects: the outcome is the process's exit code. */
  async run(service: OwnedService): Promise<void> {
    clearTimeout(this.#lingering)
    if (this.#services.size === 0) this.#enter(service.log)
    this.#services.add(service)
    if (service.onParentExit === 'drain') this.#parentWatch ??= watchParent(() => this.#orphaned())
    const exitCode = await this.#live(service)
    this.#services.delete(service)
    this.#exitCode ||= exitCode
    if (exitCode !== 0) this.#stopAll()
    if (this.#services.size === 0) this.#leave(service.log)
  }

  async #live(service: OwnedService): Promise<number> {
    try {
      await service.start()
    } catch (error) {
      // Its end says whether all that had started could be undone.
      if (isStopped(error)) return (await service.ended()).exitCode
      const reason = error instanceof Error ? error.message : String(error)
      service.log.error({ err: error }, `the service could not start: ${reason}`)
      this.#lastWords.push(`${service.name} could not start: ${reason}`)
      return 1
    }
    if (this.#signalledAt !== undefined || this.#exitCode !== 0) void service.stop()
    return (await service.ended()).exitCode
  }

  #signalled(signal: NodeJS.Signals): void {
    const now = performance.now()
    if (this.#signalledAt === undefined) {
      this.#signalledAt = now
      return this.#stopAll()
    }
    if (now - this.#signalledAt < sameSignalMs) return
    for (const { log } of this.#services) log.error({ signal }, 'a second signal cuts the shutdown short')
    process.exit(1)
  }

  #hungUp(): void {
    if (![...this.#services].some(({ onHangup }) => onHangup === 'drain')) return
    this.#stopFor((log) => log.info({}, 'the terminal is gone (SIGHUP); the services stop'))
  }

  #orphaned(): void {
    this.#stopFor((log) =>
      log.warn(
        {},
        "the process that started this one is gone; its services stop, unless run({ onParentExit: 'ignore' })",
      ),
    )
  }

  /** The services may be broken, but what they have begun is worth more than a process that is gone at once. */
  #crashed(error: unknown, origin: string): void {
    this.#exitCode = 1
    if (this.#lastCrash !== undefined) {
      this.#lastCrash = error
      return this.#laterCrashes.add()
    }
    this.#lastCrash = error ?? 'nothing'
    this.#tell((log) => log.error({ err: error, origin }, 'nobody caught an error; the services stop'))
    this.#stopAll()
  }

  #laterCrashed(errorCount: number): void {
    this.#tell((log) => log.error({ err: this.#lastCrash, errorCount }, 'nobody caught another error either'))
  }

  /** The first reason to stop is the one that is told. */
  #stopFor(tell: (log: Logger) => void): void {
    if (this.#signalledAt !== undefined) return
    this.#signalledAt = performance.now()
    this.#tell(tell)
    this.#stopAll()
  }

  /** Once, whichever service it belongs to. */
  #tell(tell: (log: Logger) => void): void {
    if (this.#log) tell(this.#log)
  }

  /**
   * All turn away at once, and drain one after another, last started first: what was started later may call what was there
   * before, or leave messages to it.
   */
  #stopAll(): void {
    let later: Promise<unknown> | undefined
    for (const service of [...this.#services].toReversed()) {
      const stopped = service.stop(later && { drainAfter: later })
      later = Promise.allSettled([later, stopped])
    }
  }

  #enter(log: Logger): void {
    this.#log = log
    for (const signal of signals) process.on(signal, this.#onSignal)
    process.on('SIGHUP', this.#onHangup)
    // A rejection that nobody handles comes here too, unless Node.js was told to treat it otherwise.
    process.on('uncaughtException', this.#onCrash)
    this.#hold = setInterval(() => undefined, holdMs)
  }

  #leave(log: Logger): void {
    clearInterval(this.#hold)
    for (const signal of signals) process.off(signal, this.#onSignal)
    process.off('SIGHUP', this.#onHangup)
    process.off('uncaughtException', this.#onCrash)
    this.#laterCrashes.close()
    this.#lastCrash = undefined
    this.#parentWatch?.[Symbol.dispose]()
    this.#parentWatch = undefined
    for (const words of this.#lastWords.splice(0)) process.stderr.write(`${words}\n`)
    process.exitCode = this.#exitCode
    this.#exitCode = 0
    this.#signalledAt = undefined
    this.#lingering = setTimeout(() => {
      log.warn(
        { resources: process.getActiveResourcesInfo() },
        'something keeps the process alive after its services have stopped; it is ended',
      )
      process.exit()
    }, longestLingerMs).unref()
  }
}

/** Whether a start ended because that was asked for, and not by a failure of its own. */
function isStopped(error: unknown): boolean {
  return error instanceof LifecycleError && error.problems.some(({ code }) => code === 'service.stopped')
}

export const processOwner: ProcessOwner = new ProcessOwner()
