import { countedLine } from '../../telemetry/counted-line.ts'
import type { Logger } from '../../telemetry/log.ts'
import { longestLingerMs } from './linger.ts'
import { watchParent } from './parent-watch.ts'
import type { StopOptions } from '../lifecycle/shutdown-phases.ts'

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
  /** Whether it still sends telemetry though it has ended; nobody waits for that. @defaultValue it does not */
  isTelling?(): boolean
  stop(options?: StopOptions): Promise<unknown>
}

/** Who runs the services of a process: the copies of this package that are loaded share one. */
export interface Owner {
  /** Of what a service and its owner ask of each other. */
  readonly version: number
  /** Runs a service until a signal, or its own failure, ends it. Never rejects: the outcome is the process's exit code. */
  run(service: OwnedService): Promise<void>
}

/** The owner of this process. One of another copy of this package serves as well, as long as both know the same version of services. */
export function processOwner(): Owner {
  const shared = sharedOwner()
  if (isOwner(shared)) return shared
  if (shared !== undefined) return (stranger ??= new ProcessOwner())
  const owner = new ProcessOwner()
  Object.defineProperty(globalThis, ownerKey, { value: owner, configurable: true })
  return owner
}

const ownerKey = Symbol.for('tenon.process_owner')
const ownerVersion = 1

/** Beside one of a version that is not known here. */
let stranger: Owner | undefined

function sharedOwner(): unknown {
  return Reflect.get(globalThis, ownerKey)
}

function isOwner(shared: unknown): shared is Owner {
  return typeof shared === 'object' && shared !== null && 'version' in shared && shared.version === ownerVersion
}

const signals = ['SIGTERM', 'SIGINT'] as const

/** Terminals and npm both pass Ctrl-C on, so one press arrives twice within this time. */
const sameSignalMs = 200

/** The longest delay a timer can have: it only holds the process. @see Node.js documentation, setTimeout */
const holdMs = 2 ** 31 - 1

/** All services of the process share its signals and its exit code. */
class ProcessOwner implements Owner {
  readonly version = ownerVersion
  readonly #services = new Set<OwnedService>()
  readonly #onSignal = (signal: NodeJS.Signals) => this.#signalled(signal)
  readonly #onHangup = () => this.#hungUp()
  readonly #onCrash = (error: unknown, origin: string) => this.#crashed(error, origin)
  readonly #laterCrashes = countedLine((count) => this.#laterCrashed(count))
  #lastCrash: unknown
  /** Of the service that was run first. */
  #log: Logger | undefined
  #parentWatch: Disposable | undefined
  #isListening = false
  /** The services are asked to stop, whatever by. */
  #isStopping = false
  /** It was told so from outside: no service is run in this process any more, also when those that ran have ended. */
  #isOver = false
  /** SIGHUP came while no service ran that could say what it does. */
  #isHungUp = false
  /** When the first SIGTERM or SIGINT came. */
  #signalledAt: number | undefined
  #exitCode = 0
  /** Why services could not start, for people: between the lines of the logs they would not find it. */
  readonly #lastWords: string[] = []
  #lingering: NodeJS.Timeout | undefined
  /** Those that have ended. */
  readonly #ended = new Set<OwnedService>()
  /** A service without a server and a connection has nothing else that keeps the process up. */
  #hold: NodeJS.Timeout | undefined

  async run(service: OwnedService): Promise<void> {
    if (this.#isStopping || this.#isOver || (this.#isHungUp && service.onHangup === 'drain')) {
      service.log.info({}, `${service.name} is not started, for the services of the process stop`)
      return
    }
    clearTimeout(this.#lingering)
    if (this.#services.size === 0) this.#enter(service.log)
    this.#services.add(service)
    if (service.onParentExit === 'drain') this.#parentWatch ??= watchParent(() => this.#orphaned())
    const exitCode = await this.#live(service)
    this.#services.delete(service)
    this.#ended.add(service)
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
    if (this.#isStopping) void service.stop()
    return (await service.ended()).exitCode
  }

  #signalled(signal: NodeJS.Signals): void {
    this.#isOver = true
    // All have ended: it must not change how the process does.
    if (this.#services.size === 0) return
    const now = performance.now()
    if (this.#signalledAt === undefined) {
      this.#signalledAt = now
      this.#tell((log) => log.info({ signal }, `${signal}: the services stop, and a second signal cuts them`))
      return this.#stopAll()
    }
    if (now - this.#signalledAt < sameSignalMs) return
    for (const { log } of this.#services) log.error({ signal }, 'a second signal cuts the shutdown short')
    process.exit(1)
  }

  #hungUp(): void {
    if (this.#services.size === 0) this.#isHungUp = true
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
    this.#isOver = true
    if (this.#isStopping) return
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
    this.#isStopping = true
    let later: Promise<unknown> | undefined
    for (const service of [...this.#services].toReversed()) {
      const stopped = service.stop(later && { drainAfter: later })
      later = Promise.allSettled([later, stopped])
    }
  }

  #enter(log: Logger): void {
    this.#log = log
    this.#ended.clear()
    if (sharedOwner() !== this) log.warn({}, strangers)
    this.#listen()
    // A rejection that nobody handles comes here too, unless Node.js was told to treat it otherwise.
    process.on('uncaughtException', this.#onCrash)
    this.#hold = setInterval(() => undefined, holdMs)
  }

  /**
   * For good, although the services end: a signal that is repeated then would end the process with its own code. Listeners of
   * signals do not hold a process.
   */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    for (const signal of signals) process.on(signal, this.#onSignal)
    process.on('SIGHUP', this.#onHangup)
  }

  #leave(log: Logger): void {
    clearInterval(this.#hold)
    process.off('uncaughtException', this.#onCrash)
    this.#laterCrashes.close()
    this.#lastCrash = undefined
    this.#parentWatch?.[Symbol.dispose]()
    this.#parentWatch = undefined
    for (const words of this.#lastWords.splice(0)) process.stderr.write(`${words}\n`)
    // What ran before these services may have failed.
    process.exitCode ||= this.#exitCode
    this.#exitCode = 0
    this.#isStopping = false
    this.#lingering = setTimeout(() => {
      // A Collector that is away has been told of, and so has what was not written.
      if (![...this.#ended].some((service) => service.isTelling?.() === true))
        log.warn(
          { resources: process.getActiveResourcesInfo() },
          'something keeps the process alive after its services have stopped; it is ended',
        )
      process.exit()
    }, longestLingerMs).unref()
  }
}

const strangers =
  'copies of @tenon/core whose versions do not know each other run services in this process: one may end it while services of the other drain; install one version'

/** Whether a start ended because that was asked for, and not by a failure of its own. The error may be of another copy of this package. */
function isStopped(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'service.stopped'
}
