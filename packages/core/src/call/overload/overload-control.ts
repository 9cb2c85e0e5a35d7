import type { Logger } from '../../telemetry/log.ts'
import { recordOverload } from '../../telemetry/overload-metrics.ts'
import { nextTurn } from '../stream/loop-turn.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'
import { type Criticality, criticalityOf } from './criticality.ts'
import type { OverloadSettings } from './overload-options.ts'
import { Pace } from './pace.ts'
import { type RefusalReason, refusals, type ServerRefusal } from './refusal.ts'
import { UsualLatency } from './usual-latency.ts'
import { type WaitingCall, WaitingCalls } from './waiting-calls.ts'

/** Whether calls are refused. */
export type OverloadState = 'normal' | 'overloaded'

/** A call that may be refused. */
export interface RefusableCall extends WaitingCall {
  /** Id of its operation. */
  readonly operation: string
  /** Name of the transport by which it came. */
  readonly transport: string
}

/** A call that asks to begin. */
export interface AskingCall extends RefusableCall {
  /** Whether it counts among those that run. */
  readonly holdsPlace: boolean
  /** Whether it is never refused, as what a queue delivers is not. */
  readonly isPatient: boolean
  /** When it came, on the clock of `performance.now()`. */
  readonly startedAtMs: number
  /** It is told to begin later, and from elsewhere. */
  waits(): void
  begin(): void
  refuse(): void
}

/** Where time comes from; a simulation has its own. */
export interface OverloadClock {
  /** On the clock of `performance.now()`. */
  nowMs(): number
  /** Runs once, later; must not keep the process up. */
  after(delayMs: number, run: () => void): void
  /** What to wait for before more is begun in this turn of the event loop; undefined while it is short. */
  nextTurn(): Promise<void> | undefined
}

export interface OverloadSurroundings {
  readonly service: string
  readonly settings: OverloadSettings
  readonly log: Logger
  /** Fires when the service drains: what is there by then is handled. */
  readonly draining: AbortSignal
  /** Whether calls have to wait, so that what nobody waits for should not be begun. */
  pressureChanged(pressure: 'normal' | 'high'): void
  /** @defaultValue real time */
  readonly clock?: OverloadClock
}

/** What `/info` tells. */
export interface OverloadInfo {
  readonly state: OverloadState
  /** Consumers of queues begin nothing while it is `high`. */
  readonly pressure: 'normal' | 'high'
  readonly concurrencyLimit: number
  readonly runningCount: number
  readonly waitingCount: number
  /** Since the start, by criticality. */
  readonly refusedCounts: Readonly<Record<Criticality, number>>
}

/**
 * Lets calls begin as fast as the service can do them: in short turns of the event loop, and only so many at a time as do not slow down each
 * other. The others wait for at most `maxDelayMs`, the most critical ahead, of one tenant after the other; those beyond are refused,
 * the least critical first.
 */
export class OverloadControl {
  readonly #surroundings: OverloadSurroundings
  readonly #clock: OverloadClock
  readonly #limit: AdaptiveLimit
  readonly #waiting = new WaitingCalls<AskingCall>()
  /** Few, for who brings them holds back the rest. */
  readonly #patient = new Set<AskingCall>()
  readonly #pace = new Pace()
  readonly #usuals: UsualLatency[] = []
  readonly #refusedCounts: Record<Criticality, number>
  /** What metrics were not told yet. */
  readonly #untold = new Map<Criticality, number>()
  /** Calls that began while the first of these waited. */
  #overtakenCount = 0
  #state: OverloadState = 'normal'
  #overloadedAtMs = 0
  /** Looks since a call was refused. A look that is late counts once: what came meanwhile is read only behind it. */
  #calmCount = 0
  #pressure: 'normal' | 'high' = 'normal'
  /** Looks since calls had to wait. */
  #easyCount = 0
  #runningCount = 0
  /** Of these, the ones whose callers have their answer. */
  #abandonedCount = 0
  #peakCount = 0
  #isPumping = false
  #isWatching = false
  #lookedAtMs = 0
  /** How late the last look was: what came meanwhile is read in one go, and could not begin sooner. */
  #latenessMs = 0

  constructor(surroundings: OverloadSurroundings) {
    const { settings, clock = realClock, draining } = surroundings
    this.#surroundings = surroundings
    this.#clock = clock
    this.#limit = new AdaptiveLimit(settings)
    this.#refusedCounts = { critical_plus: 0, critical: 0, sheddable_plus: 0, sheddable: 0 }
    draining.addEventListener('abort', () => this.#ease(), { once: true })
  }

  get info(): OverloadInfo {
    return {
      state: this.#state,
      pressure: this.#pressure,
      concurrencyLimit: this.#limit.value,
      runningCount: this.#runningCount,
      waitingCount: this.#waiting.count,
      refusedCounts: { ...this.#refusedCounts },
    }
  }

  /** Of calls whose caller and operation say nothing. */
  get criticality(): Criticality {
    return this.#surroundings.settings.criticality
  }

  /** What an operation's calls are measured by. */
  usualLatency(): UsualLatency {
    const usual = new UsualLatency()
    this.#usuals.push(usual)
    return usual
  }

  /** Whether a call may begin at once; one that holds a place is told of by `left`, one that may not asks with `wait`. */
  takes({ holdsPlace, isPatient }: Pick<AskingCall, 'holdsPlace' | 'isPatient'>): boolean {
    if (!this.#isWatching) this.#watch()
    if (this.#waiting.count > 0 || (isPatient && this.#patient.size > 0) || (holdsPlace && this.#isFull)) return false
    if (this.#clock.nextTurn() !== undefined) return false
    if (holdsPlace) this.#enter()
    return true
  }

  /**
   * Whether a call is refused of which only the head is there: where it would have to wait too long, and nobody would give way to it. Then it must
   * not ask. To know that before the rest is read makes refusing cheap.
   */
  refusesAtOnce(call: RefusableCall): boolean {
    if (this.#waiting.count === 0) return false
    // A loop that was kept from reading finds many heads in one go, before any of these calls asks.
    if (this.#waiting.countSoon < headShare * this.#mostCount || this.#waiting.givesWayTo(call)) {
      this.#waiting.expect(call)
      return false
    }
    this.#countRefusal(call, 'no_room')
    return true
  }

  /** Lets it begin, or refuses it or another one, now or later. */
  wait(call: AskingCall): void {
    if (!call.isPatient) this.#waitOrRefuse(call)
    else {
      call.waits()
      this.#patient.add(call)
    }
    this.#pump()
  }

  /** It has ended while it waited. */
  forget(call: AskingCall): void {
    this.#waiting.delete(call)
    this.#patient.delete(call)
    this.#recordLast()
  }

  /** The caller of a call that holds a place has its answer, and the handler goes on. */
  abandoned(): void {
    this.#abandonedCount += 1
    // Not in this stack: at the end of a drain the others that run are cut next, and all that wait with them.
    if (this.#waiting.count > 0) queueMicrotask(() => this.#pump())
  }

  /** A call that holds a place has ended. */
  left(isAbandoned: boolean): void {
    this.#runningCount -= 1
    if (isAbandoned) this.#abandonedCount -= 1
    if (this.#waiting.count > 0) this.#pump()
  }

  #waitOrRefuse(call: AskingCall): void {
    const nowMs = this.#clock.nowMs()
    this.#waiting.unexpect(call)
    if (this.#waiting.count === 0) this.#pace.begin(nowMs)
    const mostCount = this.#mostCount
    if (this.#waiting.count + 1 > mostCount / 2) this.#press()
    if (this.#waiting.count >= mostCount) {
      const leaving = this.#waiting.giveWayTo(call)
      if (leaving === undefined) return this.#refuse(call, 'no_room')
      this.#refuse(leaving, 'gave_way')
    }
    call.waits()
    this.#waiting.add(call)
  }

  /** How many may wait. */
  get #mostCount(): number {
    return Math.max(1, this.#pace.countWithin(this.#surroundings.settings.maxDelayMs + this.#latenessMs))
  }

  get #isFull(): boolean {
    const limit = this.#limit.value
    // Handlers that never end would have all places for ever.
    const uncounted = Math.max(0, this.#abandonedCount - Math.floor(limit * abandonedShare))
    return this.#runningCount - uncounted >= limit
  }

  #enter(): void {
    this.#runningCount += 1
    if (this.#runningCount > this.#peakCount) this.#peakCount = this.#runningCount
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    void this.#beginNext()
  }

  /** As many as may. Never rejects, for beginning a call does not. */
  async #beginNext(): Promise<void> {
    while ((this.#waiting.count > 0 && !this.#isFull) || this.#patient.size > 0) {
      const over = this.#clock.nextTurn()
      if (over === undefined) this.#beginOne()
      // Also when a turn is not over: what the call before left to promises is part of what it costs.
      await over
    }
    this.#isPumping = false
    this.#recordLast()
  }

  /** What is patient gives way to calls, but not for ever: its time runs. */
  #beginOne(): void {
    const isCallNext = this.#waiting.count > 0 && !this.#isFull
    const [patient] = this.#patient
    if (patient === undefined || (isCallNext && this.#overtakenCount < mostOvertaking)) {
      if (patient !== undefined) this.#overtakenCount += 1
      return this.#begin(this.#waiting.next())
    }
    this.#overtakenCount = 0
    this.#patient.delete(patient)
    patient.begin()
  }

  #begin(call: AskingCall | undefined): void {
    if (call === undefined) return
    this.#pace.pass(this.#clock.nowMs(), 1)
    if (call.holdsPlace) this.#enter()
    call.begin()
  }

  #refuse(call: AskingCall, reason: RefusalReason): void {
    this.#countRefusal(call, reason)
    call.refuse()
  }

  #countRefusal(call: RefusableCall, reason: RefusalReason): void {
    this.#press()
    const criticality = criticalityOf(call.rank)
    if (refusals.hasSubscribers) this.#publish(call, criticality, reason)
    this.#refusedCounts[criticality] += 1
    this.#untold.set(criticality, (this.#untold.get(criticality) ?? 0) + 1)
    if (this.#state === 'normal') this.#overload()
    this.#calmCount = 0
  }

  #publish({ operation, transport, tenant }: RefusableCall, criticality: Criticality, reason: RefusalReason): void {
    const { service } = this.#surroundings
    const { concurrencyLimit, runningCount, waitingCount } = this.info
    const at = { concurrencyLimit, runningCount, waitingCount }
    refusals.publish({ service, operation, transport, criticality, tenant, reason, ...at } satisfies ServerRefusal)
  }

  /** Looks at all that is measured, from now on until nothing happens any more. */
  #watch(): void {
    this.#isWatching = true
    this.#lookedAtMs = this.#clock.nowMs()
    this.#clock.after(lookMs, () => this.#look())
  }

  #look(): void {
    const nowMs = this.#clock.nowMs()
    this.#latenessMs = Math.max(0, nowMs - this.#lookedAtMs - lookMs)
    const peakCount = this.#peakCount
    this.#peakCount = this.#runningCount
    this.#limit.update({ slowness: this.#slowness(peakCount), latenessMs: this.#latenessMs, peakCount })
    if (this.#waiting.count > 0) this.#pace.pass(nowMs, 0)
    this.#pace.fade()
    // Who waited for the process to go on has its turn soon.
    this.#refuseOld(nowMs - this.#latenessMs)
    // Some never ask, as those whose rest is no message.
    this.#waiting.expectNone()
    this.#easyCount += 1
    this.#calmCount += 1
    if (this.#easyCount > easyLookCount) this.#ease()
    if (this.#state === 'overloaded' && this.#calmCount > calmLookCount) this.#recover(nowMs)
    this.#record()
    this.#isWatching = false
    const isBusy = peakCount > 0 || this.#waiting.count + this.#patient.size > 0
    if (isBusy || this.#pressure === 'high' || this.#state === 'overloaded') this.#watch()
    this.#pump()
  }

  /** Of all operations together, each by how many of its calls ended. */
  #slowness(peakCount: number): number | undefined {
    const isTrue = this.#limit.isLowest || !this.#limit.isInUse(peakCount)
    let count = 0
    let sum = 0
    for (const usual of this.#usuals) {
      const slow = usual.close(isTrue)
      if (slow === undefined) continue
      count += slow.count
      sum += slow.count * slow.slowness
    }
    return count === 0 ? undefined : sum / count
  }

  /** Whose turn does not come since others overtake it, or since nothing goes on at all. */
  #refuseOld(byMs: number): void {
    const { maxDelayMs } = this.#surroundings.settings
    for (const call of this.#waiting) {
      if (byMs - call.startedAtMs < 2 * maxDelayMs) continue
      this.#waiting.delete(call)
      this.#refuse(call, 'waited_too_long')
    }
  }

  #press(): void {
    this.#easyCount = 0
    const { draining, pressureChanged } = this.#surroundings
    if (this.#pressure === 'high' || draining.aborted) return
    this.#pressure = 'high'
    pressureChanged('high')
  }

  #ease(): void {
    if (this.#pressure === 'normal') return
    this.#pressure = 'normal'
    this.#surroundings.pressureChanged('normal')
  }

  #overload(): void {
    this.#state = 'overloaded'
    this.#overloadedAtMs = this.#clock.nowMs()
    const { concurrencyLimit, runningCount, waitingCount } = this.info
    const message = 'more calls come than can be done: the least critical are refused'
    this.#surroundings.log.warn({ concurrencyLimit, runningCount, waitingCount }, message)
  }

  #recover(nowMs: number): void {
    this.#state = 'normal'
    const { concurrencyLimit, refusedCounts } = this.info
    const durationMs = Math.round(nowMs - this.#overloadedAtMs)
    this.#surroundings.log.info({ durationMs, concurrencyLimit, refusedCounts }, 'calls are refused no more')
  }

  /** Metrics may be sent for the last time before there is another look, once the service drains. */
  #recordLast(): void {
    if (this.#surroundings.draining.aborted && this.#waiting.count === 0) this.#record()
  }

  #record(): void {
    const { service } = this.#surroundings
    const { concurrencyLimit, waitingCount, pressure } = this.info
    recordOverload({ service, concurrencyLimit, waitingCount, pressure, refused: this.#untold })
    this.#untold.clear()
  }
}

const realClock: OverloadClock = {
  nowMs: () => performance.now(),
  after: (delayMs, run) => void setTimeout(run, delayMs).unref(),
  nextTurn,
}

/** After so many calls it is the turn of what is patient. A guess: little of what calls have, and soon enough for some dozen of them. */
const mostOvertaking = 8

/**
 * Part of the places to wait that calls may fill of which only the head is known: in the rest more critical calls and those of other tenants find
 * room, or each would drive out one of which all was read. A guess: more than comes of them in a turn.
 */
const headShare = 0.9

/** Part of the places that handlers may hold whose calls are over. A guess: they are work, which others are to feel, but may never end. */
const abandonedShare = 0.5

/** How often what is measured is looked at. A guess: often enough for a burst, and many calls a time. */
const lookMs = 100

/** In so many looks no call may have had to wait before consumers go on. A guess: they are to use what calls leave. */
const easyLookCount = 2

/** In so many none may have been refused before that is told, so that the log does not flap: a second. A guess. */
const calmLookCount = 10
