import type { Balancer, Choice, Load, Picker } from '../balancer/balancer.ts'
import { Breaker, type BreakerState } from '../policy/breaker/breaker.ts'
import type { PolicyClock } from '../policy/policy-clock.ts'
import type { TargetSettings } from '../policy/target-policy.ts'
import { Ejection, type EjectionListener } from './ejection.ts'
import { Outage } from './outage.ts'
import type { Outcome } from './outcome.ts'
import { subsetOf } from './subset.ts'
import type { Target } from './target.ts'
import { splitByZone } from './zone-split.ts'

/** Is told what a pool decides. */
export interface PoolListener extends EjectionListener {
  picked(target: Target): void
  /** Its breaker refused a call, which is given to another. */
  passedOver(target: Target): void
  breakerChanged(target: Target, state: BreakerState): void
}

/** Who calls, and what is to be told. */
export interface PoolOptions {
  readonly settings: TargetSettings
  /** Where the caller runs. */
  readonly zone: string | undefined
  /** What tells the caller from others. */
  readonly client: string
  readonly clock: PolicyClock
  readonly listener: PoolListener
}

/** Those that a call may be given to, with who chooses. */
interface Tier {
  readonly home: Picker | undefined
  readonly away: Picker | undefined
  readonly homeRatio: number
}

/** The instances of a service as its calls are given to them: by zone, without those that are ejected, by the balancer. */
export class TargetPool implements Load {
  readonly clock: PolicyClock
  readonly #options: PoolOptions
  readonly #ejection: Ejection | undefined
  readonly #outage = new Outage()
  #runningCount = 0
  #isClosed = false
  #given: readonly Target[] = []
  #targets: readonly Target[] = []
  /** Undefined where something has changed since. */
  #tier: Tier | undefined
  /** Over all, for calls that the tier has nobody for. */
  #rest: Picker | undefined

  constructor(options: PoolOptions) {
    const { settings, clock, listener } = options
    this.clock = clock
    this.#options = options
    this.#ejection =
      settings.ejection && new Ejection(settings.ejection, { clock, listener: this.#heed(settings, listener) })
  }

  /** Those that are called. */
  get targets(): readonly Target[] {
    return this.#targets
  }

  get runningCount(): number {
    return this.#runningCount
  }

  get balancer(): Balancer {
    return this.#options.settings.balancer
  }

  /** The instances that there are; nothing is done where they are those of the last time. */
  use(given: readonly Target[]): void {
    if (given === this.#given) return
    const before = new Set(this.#given)
    const { subset, warmUpMs } = this.#options.settings
    this.#given = given
    this.#targets = subset ? subsetOf(given, { ...subset, client: this.#options.client }) : given
    const nowMs = this.clock.nowMs()
    // Where all are new, none is to be spared.
    if (before.size > 0 && warmUpMs > 0)
      for (const target of given) if (!before.has(target)) target.warmUp(nowMs, warmUpMs)
    this.#ejection?.use(this.#targets)
    this.#useBreakers(before, given)
    this.#outage.use(this.#targets)
    this.#tier = undefined
    this.#rest = undefined
  }

  /** From here on no instance has a breaker: what is called yet is for who is closed to refuse. */
  close(): void {
    this.#isClosed = true
    this.use([])
  }

  /** Who is to be called among those that stand well; undefined where none is open to the call. */
  pick(choice: Choice, nowMs: number): Target | undefined {
    this.#ejection?.letReturn(nowMs)
    const target = this.#choose(choice, nowMs)
    return target?.breaker?.refuses(nowMs) ? this.#passOver(target, choice, nowMs) : target
  }

  /** Another in the place of one that refuses. Where all do it is that one: whether to call at all is for the breaker of the remote. */
  #passOver(first: Target, choice: Choice, nowMs: number): Target {
    const refusing = new Set([first])
    const rest = { key: choice.key, isOpen: (target: Target) => !refusing.has(target) && choice.isOpen(target) }
    // Each takes a fifth of its calls at least, so that these are five turns at the mean, however many there are.
    let other = this.#choose(rest, nowMs)
    while (other?.breaker?.refuses(nowMs)) {
      refusing.add(other)
      other = this.#choose(rest, nowMs)
    }
    if (other === undefined) return first
    for (const target of refusing) this.#options.listener.passedOver(target)
    return other
  }

  #choose(choice: Choice, nowMs: number): Target | undefined {
    this.#tier ??= this.#makeTier()
    const { home, away, homeRatio } = this.#tier
    if (home === undefined) return away?.pick(choice, nowMs)
    if (away === undefined) return home.pick(choice, nowMs)
    const staysHome = homeRatio === 1 || this.clock.random() < homeRatio
    const [first, second] = staysHome ? [home, away] : [away, home]
    return first.pick(choice, nowMs) ?? second.pick(choice, nowMs)
  }

  /** Who is to be called among all. */
  pickAny(choice: Choice, nowMs: number): Target | undefined {
    this.#rest ??= this.#pickerOver(this.#targets)
    return this.#rest?.pick(choice, nowMs)
  }

  begin(target: Target): void {
    this.#runningCount += 1
    target.begin()
    this.#options.listener.picked(target)
  }

  /** @param latencyMs How long the answer took, where that says something: a stream lasts as long as there are items. */
  end(target: Target, outcome: Outcome, latencyMs?: number): void {
    const nowMs = this.clock.nowMs()
    this.#runningCount -= 1
    const isOfOutage = outcome === 'failed' && latencyMs !== undefined && this.#outage.hasSeen(nowMs - latencyMs)
    if (isOfOutage) return target.end('left', nowMs)
    target.end(outcome, nowMs)
    if (latencyMs !== undefined) target.answered(outcome, latencyMs, nowMs)
    this.#ejection?.note(target, outcome, nowMs)
    if (outcome === 'failed') this.#outage.failed(target)
    if (outcome !== 'answered') return
    if (this.#outage.goesOn(nowMs)) this.#forgive()
    this.#outage.answered(nowMs)
  }

  #useBreakers(before: ReadonlySet<Target>, given: readonly Target[]): void {
    const { settings, listener } = this.#options
    const current = new Set(given)
    for (const target of before) {
      if (current.has(target)) continue
      target.breaker?.leave()
      target.breaker = undefined
    }
    if (!settings.hasBreakers || this.#isClosed) return
    for (const target of given) {
      const onChange = (state: BreakerState) => listener.breakerChanged(target, state)
      target.breaker ??= new Breaker({ clock: this.clock, onChange, windowMs: breakerWindowMs })
    }
  }

  /** All have failed, so that it says nothing of any: else those would have all calls that happened to be asked first, and others none for long. */
  #forgive(): void {
    for (const target of this.#targets) target.forget()
    this.#ejection?.forgive()
  }

  /** Who is ejected is chosen no more; who returns begins slowly, unless all have failed. */
  #heed({ warmUpMs }: TargetSettings, listener: EjectionListener): EjectionListener {
    return {
      ejected: (target, reason) => {
        this.#tier = undefined
        listener.ejected(target, reason)
      },
      returned: (target) => {
        this.#tier = undefined
        const nowMs = this.clock.nowMs()
        if (warmUpMs > 0 && !this.#outage.goesOn(nowMs)) target.warmUp(nowMs, warmUpMs)
        listener.returned(target)
      },
    }
  }

  #makeTier(): Tier {
    const open = this.#targets.filter(({ ejectedUntilMs }) => ejectedUntilMs === undefined)
    const { settings, zone: ownZone } = this.#options
    const zone = settings.zone ?? ownZone
    if (typeof zone !== 'string' || settings.balancer.keyOf !== undefined)
      return { home: this.#pickerOver(open), away: undefined, homeRatio: 1 }
    const { home, away, homeRatio } = splitByZone(this.#targets, open, zone)
    return { home: this.#pickerOver(home), away: this.#pickerOver(away), homeRatio }
  }

  #pickerOver(targets: readonly Target[]): Picker | undefined {
    return targets.length === 0 ? undefined : this.balancer.over(targets, this)
  }
}

/** Longer than that of the remote: one of its instances has fewer calls. */
const breakerWindowMs = 3_000
