import { event } from '@tenon/core/contract'
import { type Arrival, type Outcome, ServiceError, toServiceError, type TransportServer } from '@tenon/core/transport'
import { type QueueDriver, type QueueOptions, type QueueTransport, queueTransport } from '@tenon/transport-queue'
import Type from 'typebox'
import { type CrashPoint, crashingDriver } from './crash-point.ts'
import type { Handling, Journal, MessageName } from './journal.ts'
import { factsOf, group, handlingOf, isCurable, type MessagePlan } from './message.ts'
import { overrunFromMs, topics } from './scenario.ts'
import { watchDriver } from './watched-driver.ts'

/** A driver that makes a mistake, around one that makes none. */
export type PlantedBug = (driver: QueueDriver) => QueueDriver

/** Mistakes put into what is tested, to see them found. */
export interface Plant {
  /** Stands where the broker's client would have its mistakes. */
  readonly inDriver?: PlantedBug
  /** Stands where the consume loop would have its mistakes. */
  readonly inLoop?: PlantedBug
}

export interface MemberOptions {
  readonly name: string
  readonly journal: Journal
  readonly settings: Omit<QueueOptions, 'driver'>
  readonly plant: Plant
  /** Whether what is wrong with a message is over. @defaultValue never */
  readonly isCured?: (message: MessageName) => boolean
  /** The consumers cannot go on. */
  readonly fail: (error: unknown) => void
  /** Where it may die by itself. @defaultValue nowhere */
  readonly crash?: CrashPoint | undefined
  /** It has died there. */
  readonly crashed: () => void
}

/** One instance of the service under test: the consumers of both topics, as the queue transport makes them. */
export class ModelMember {
  readonly name: string
  /** As the broker knows it. */
  readonly driver: QueueDriver
  readonly #journal: Journal
  readonly #transport: QueueTransport
  readonly #server: TransportServer
  readonly #isCured: (message: MessageName) => boolean
  readonly #crash: CrashPoint | undefined
  readonly #crashed: () => void
  readonly #die: () => void
  readonly #died = Promise.withResolvers<void>()
  #isDead = false
  #isLeaving = false

  constructor(driver: QueueDriver, options: MemberOptions) {
    const { name, journal, settings, plant, fail, crash, crashed, isCured = () => false } = options
    const { inDriver = same, inLoop = same } = plant
    const watched = watchDriver(inDriver(driver), { member: name, journal })
    this.name = name
    this.driver = driver
    this.#journal = journal
    this.#die = watched.die
    this.#isCured = isCured
    this.#crash = crash
    this.#crashed = crashed
    const own = crash ? crashingDriver(watched.driver, crash, () => this.#end()) : watched.driver
    this.#transport = queueTransport({ driver: inLoop(own), ...settings })
    this.#server = this.#transport.bind({
      service: { name: 'model', version: '1.0.0', instanceId: name },
      operations: [],
      events: topics.map((topic) => ({
        event: event(topic, { key: 'key', payload }),
        group,
        dispatch: (arrival: Arrival) => this.#dispatch(arrival),
      })),
      defaultHost: '127.0.0.1',
      log: silent,
      fail: (error) => void (this.#isDead || fail(error)),
    })
  }

  /** @throws Error when it cannot join; not when it leaves or dies before it has. */
  async start(): Promise<void> {
    try {
      await Promise.race([this.#server.listen(), this.#died.promise])
    } catch (error) {
      if (!this.#isLeaving) throw error
    }
  }

  /** Resolves also when it dies before it has left. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await Promise.race([this.#leave(), this.#died.promise])
  }

  /** Gives attempts anew to what is halted. How many those were; none before it has begun. */
  async retryHalted(): Promise<number> {
    const each = topics.map((topic) => this.#transport.retryHalted({ topic, group }).catch(() => 0))
    return (await Promise.all(each)).reduce((sum, count) => sum + count, 0)
  }

  /** Nothing of it is heard of any more, and it writes nothing down. */
  kill(): void {
    this.#isDead = true
    this.#died.resolve()
    this.#die()
  }

  async #leave(): Promise<void> {
    await this.#server.drain(new AbortController().signal)
    await this.#server.close()
  }

  #end(): void {
    this.kill()
    this.#crashed()
  }

  /** As the dispatcher of a service: an outcome at the latest when the time is over, and word when nothing runs any more. */
  async #dispatch(arrival: Arrival): Promise<Outcome> {
    if (this.#isDead) return never
    const handling = handlingOf(arrival.metadata, arrival.attempt ?? 1)
    const { plan } = factsOf(arrival.metadata)
    const isCured = isCurable(plan) && this.#isCured(handling)
    const cured = isCured ? { ...plan, failureCount: 0, overrunMs: 0 } : plan
    const handle = () => this.#handle(cured, arrival, handling)
    const handled = this.#crash?.pass(handle, () => this.#end()) ?? handle()
    const done = handled.finally(() => arrival.ended?.())
    const over = new AbortController()
    const late = wait(arrival.timeoutMs ?? 0, over.signal).then(() => Promise.reject(tooLate))
    late.catch(() => undefined)
    try {
      await Promise.race([done, late])
      return { ok: true, value: undefined, callId: handling.assignment, headers: undefined }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), callId: handling.assignment, headers: undefined }
    } finally {
      over.abort()
    }
  }

  async #handle(plan: MessagePlan, arrival: Arrival, handling: Handling): Promise<void> {
    arrival.decode()
    this.#journal.add({ is: 'began', ...handling })
    try {
      await this.#work(plan, arrival, handling)
      if (!this.#isDead) this.#journal.add({ is: 'effect', ...handling })
    } finally {
      if (!this.#isDead) this.#journal.add({ is: 'ended', ...handling })
    }
  }

  async #work(plan: MessagePlan, { signal = neverFires }: Arrival, { attempt }: Handling): Promise<void> {
    const { durationMs, failureCount = 0, code = 'internal', isDeaf = false, overrunMs = 0, retryDelayMs } = plan
    const isOverrun = overrunMs > 0 && attempt === 1
    const workMs = isOverrun ? overrunFromMs + overrunMs : durationMs
    if (workMs > 0) await wait(workMs, isDeaf || isOverrun ? neverFires : signal)
    if (!isDeaf) signal.throwIfAborted()
    if (isOverrun) throw tooLate
    const details = retryDelayMs === undefined ? {} : { details: { retryDelayMs } }
    if (attempt <= failureCount) throw new ServiceError(code, 'as planned', details)
  }
}

const payload = Type.Object({ key: Type.String(), number: Type.Integer() })
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const same = (driver: QueueDriver) => driver
const never = new Promise<never>(() => undefined)
const neverFires = new AbortController().signal
const tooLate = new ServiceError('deadline_exceeded', 'the handler took too long')

function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationMs)
    signal.addEventListener('abort', end, { once: true })
  })
}
