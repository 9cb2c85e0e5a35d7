import { setImmediate } from 'node:timers/promises'
import { criticalities, type Criticality, rankOf } from './criticality.ts'
import { type AskingCall, OverloadControl, type OverloadClock } from './overload-control.ts'
import { overloadDefaults } from './overload-options.ts'
import type { UsualLatency } from './usual-latency.ts'

/** Calls of one kind, at even intervals. */
export interface Stream {
  readonly criticality: Criticality
  readonly tenant: string
  readonly callsPerSecond: number
  readonly fromMs: number
  readonly untilMs: number
}

/** What became of a call. */
export interface SimulatedCall {
  readonly stream: Stream
  readonly cameAtMs: number
  readonly end: 'ok' | 'refused'
  readonly tookMs: number
}

/** What a handler does with the thread: how long it computes, and when what it then waits for comes. */
export interface SimulatedWork {
  readonly computesMs: number
  /** @param nowMs When it begins to wait. @defaultValue it waits for nothing */
  endsAtMs?(nowMs: number): number
  /** How long it computes when that has come. @defaultValue 0 */
  readonly computesLaterMs?: number
}

/** What taking in a call costs on its wire, refused or not. */
export interface SimulatedWire {
  /** What can be refused by it alone; undefined where a call is only known as a whole. */
  readonly headMs?: number
  readonly restMs: number
}

const cheapWire: SimulatedWire = { restMs: 0.05 }
const turnMs = 5
const simulated = { operation: 'simulated.Service/work', transport: 'simulated' }

interface Arrival {
  readonly atMs: number
  readonly stream: Stream
}

/** A service with one thread, in a time of its own: its event loop, its clock and its handlers, with the control of production around them. */
export class SimulatedLoop {
  readonly control: OverloadControl
  readonly pressures: string[] = []
  readonly ended: SimulatedCall[] = []
  readonly lines: string[] = []
  readonly #work: SimulatedWork
  readonly #wire: SimulatedWire
  readonly #usual: UsualLatency
  readonly #events: { readonly atMs: number; run(): void }[] = []
  readonly #draining = new AbortController()
  #nowMs = 0
  #turn: { readonly startedAtMs: number; over: PromiseWithResolvers<void> | undefined } | undefined

  constructor(work: SimulatedWork, wire = cheapWire) {
    const clock: OverloadClock = {
      nowMs: () => this.#nowMs,
      after: (delayMs, run) => this.at(this.#nowMs + delayMs, run),
      nextTurn: () => this.#nextTurn(),
    }
    const note = (_fields: object, line?: string) => void this.lines.push(line ?? '')
    const log = { debug: note, info: note, warn: note, error: note, child: () => log }
    this.#work = work
    this.#wire = wire
    this.control = new OverloadControl({
      service: 'simulated',
      settings: overloadDefaults,
      log,
      draining: this.#draining.signal,
      pressureChanged: (pressure) => void this.pressures.push(pressure),
      clock,
    })
    this.#usual = this.control.usualLatency()
  }

  get nowMs(): number {
    return this.#nowMs
  }

  drain(): void {
    this.#draining.abort()
  }

  at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, run })
  }

  /** The thread does something else. */
  compute(forMs: number): void {
    this.#nowMs += forMs
  }

  /** A message that a queue delivers. */
  deliver(begin: () => void): void {
    const call = {
      ...simulated,
      rank: 1,
      tenant: '',
      holdsPlace: false,
      isPatient: true,
      startedAtMs: this.#nowMs,
      waits() {},
      begin,
    }
    const message: AskingCall = { ...call, refuse: () => void this.lines.push('a message was refused') }
    if (this.control.takes(message)) begin()
    else this.control.wait(message)
  }

  /** Turns the loop until the time is over. */
  async run(streams: readonly Stream[], untilMs: number): Promise<void> {
    const arrivals = streams.flatMap(arrivalsOf).toSorted((one, other) => one.atMs - other.atMs)
    let next = 0
    while (this.#nowMs < untilMs) {
      const turnsAt = this.#nowMs
      this.#runDue()
      // What had come by then is read in one go, as a loop does.
      const readUntil = this.#nowMs
      const first = next
      while ((arrivals[next]?.atMs ?? Number.POSITIVE_INFINITY) <= readUntil) next += 1
      // Heads are told of before what follows any of them is.
      const heads = arrivals.slice(first, next).filter((arrival) => !this.#refuses(arrival))
      for (const arrival of heads) this.#receive(arrival)
      this.#turn?.over?.resolve()
      this.#turn = undefined
      await setImmediate()
      if (this.#nowMs > turnsAt) continue
      const soonest = Math.min(arrivals[next]?.atMs ?? untilMs, ...this.#events.map(({ atMs }) => atMs))
      this.#nowMs = Math.max(this.#nowMs, Math.min(soonest, untilMs))
    }
  }

  #runDue(): void {
    const due = this.#events.filter(({ atMs }) => atMs <= this.#nowMs)
    for (const one of due) {
      this.#events.splice(this.#events.indexOf(one), 1)
      one.run()
    }
  }

  #refuses({ atMs, stream }: Arrival): boolean {
    const { headMs } = this.#wire
    if (headMs === undefined) return false
    this.#nowMs += headMs
    const { criticality, tenant } = stream
    if (!this.control.refusesAtOnce({ ...simulated, rank: rankOf(criticality), tenant })) return false
    this.#end({ atMs, stream }, 'refused')
    return true
  }

  #end({ atMs, stream }: Arrival, end: SimulatedCall['end']): void {
    this.ended.push({ stream, cameAtMs: atMs, end, tookMs: this.#nowMs - atMs })
  }

  #receive({ atMs, stream }: Arrival): void {
    this.#nowMs += this.#wire.restMs
    const end = (how: SimulatedCall['end']) => this.#end({ atMs, stream }, how)
    const call: AskingCall = {
      ...simulated,
      rank: rankOf(stream.criticality),
      tenant: stream.tenant,
      holdsPlace: true,
      isPatient: false,
      startedAtMs: this.#nowMs,
      waits: () => undefined,
      begin: () => this.#handle(() => end('ok')),
      refuse: () => end('refused'),
    }
    if (this.control.takes(call)) call.begin()
    else this.control.wait(call)
  }

  #handle(done: () => void): void {
    const beganAtMs = this.#nowMs
    const end = () => {
      this.#usual.note(this.#nowMs - beganAtMs)
      this.control.left(false)
      done()
    }
    this.#nowMs += this.#work.computesMs
    const endsAtMs = this.#work.endsAtMs?.(this.#nowMs)
    if (endsAtMs === undefined) end()
    else
      this.at(endsAtMs, () => {
        this.#nowMs += this.#work.computesLaterMs ?? 0
        end()
      })
  }

  #nextTurn(): Promise<void> | undefined {
    this.#turn ??= { startedAtMs: this.#nowMs, over: undefined }
    if (this.#nowMs - this.#turn.startedAtMs < turnMs) return undefined
    this.#turn.over ??= Promise.withResolvers()
    return this.#turn.over.promise
  }
}

/** What waits for a place at something that serves so many at a time, each for as long. */
export function backend(count: number, servesMs: number): (nowMs: number) => number {
  const freeAt = Array.from({ length: count }, () => 0)
  return (nowMs) => {
    const index = freeAt.indexOf(Math.min(...freeAt))
    const endsAtMs = Math.max(nowMs, freeAt[index] ?? 0) + servesMs
    freeAt[index] = endsAtMs
    return endsAtMs
  }
}

/** Successes among calls that came in the time, as a share of them. */
export function successShare(
  calls: readonly SimulatedCall[],
  isMeant: (stream: Stream) => boolean = () => true,
): number {
  const meant = calls.filter(({ stream }) => isMeant(stream))
  return meant.filter(({ end }) => end === 'ok').length / meant.length
}

/** Successes a second. */
export function goodput(calls: readonly SimulatedCall[], fromMs: number, untilMs: number): number {
  const good = calls.filter(
    ({ end, cameAtMs, tookMs }) => end === 'ok' && cameAtMs + tookMs >= fromMs && cameAtMs + tookMs < untilMs,
  )
  return (good.length * 1_000) / (untilMs - fromMs)
}

/** A stream of each criticality, together so many calls a second. */
export function mixed(callsPerSecond: number, fromMs: number, untilMs: number): readonly Stream[] {
  return criticalities.map((criticality) => ({
    criticality,
    tenant: 't',
    callsPerSecond: callsPerSecond / criticalities.length,
    fromMs,
    untilMs,
  }))
}

function arrivalsOf(stream: Stream): readonly Arrival[] {
  const { callsPerSecond, fromMs, untilMs } = stream
  const count = Math.floor(((untilMs - fromMs) * callsPerSecond) / 1_000)
  return Array.from({ length: count }, (_, index) => ({ atMs: fromMs + (index * 1_000) / callsPerSecond, stream }))
}
