import { ServiceError } from '@tenon/core'
import { AttemptCounter } from './attempt-counter.ts'
import { sameEmail } from '../store/user-store.ts'

const windowMs = 900_000
/** Some megabytes for each counter. */
const maxNameCount = 10_000

/**
 * How many attempts there are in a quarter of an hour; guesses, between people who forget and programs that try. What is full is open again a
 * quarter of an hour after its first attempt, whatever came meanwhile.
 *
 * @see NIST SP 800-63B-4 section 3.2.2: at most 100 failures in a row
 */
export const guardLimits = Object.freeze({
  /** Failures of one address at one account. */
  pair: { maxCount: 5, windowMs, maxNameCount },
  /** Failures of one address at any accounts: an office has one. */
  address: { maxCount: 50, windowMs, maxNameCount },
  /** Failures at one account from addresses that never logged in there. */
  account: { maxCount: 100, windowMs, maxNameCount },
  /** Registrations of one address. */
  registration: { maxCount: 20, windowMs, maxNameCount },
})

/**
 * Keeps those who try passwords from trying many. It counts what is tried, whether there is such an account or not, so that being
 * refused says nothing of that. Owners who have logged in from an address before are not locked out by others.
 * Instances count for themselves, and anew when they start.
 */
export class LoginGuard {
  readonly #pairs: AttemptCounter
  readonly #addresses: AttemptCounter
  readonly #accounts: AttemptCounter
  readonly #registrations: AttemptCounter
  /** Pairs that have logged in, oldest first. What strangers do to an account does not lock these out. */
  readonly #knownPairs = new Set<string>()

  constructor(now: () => number = Date.now) {
    this.#pairs = new AttemptCounter(guardLimits.pair, now)
    this.#addresses = new AttemptCounter(guardLimits.address, now)
    this.#accounts = new AttemptCounter(guardLimits.account, now)
    this.#registrations = new AttemptCounter(guardLimits.registration, now)
  }

  /**
   * Takes an attempt, before anything is computed: of many at once no more are let through than of as many in a row.
   *
   * @throws ServiceError `resource_exhausted` with the time to wait
   */
  begin(email: string, address: string): void {
    const counted = this.#countersOf(email, address)
    refuse(Math.max(...counted.map(([counter, name]) => counter.waitMs(name))))
    for (const [counter, name] of counted) counter.count(name)
  }

  /** Takes back what an attempt has counted that came to nothing: nobody has learnt anything of the password. */
  takeBack(email: string, address: string): void {
    for (const [counter, name] of this.#countersOf(email, address)) counter.giveBack(name)
  }

  /** Takes back what the attempt of a right password has counted, and remembers who it was. */
  succeeded(email: string, address: string): void {
    const pair = pairOf(email, address)
    this.takeBack(email, address)
    this.#pairs.forget(pair)
    this.#knownPairs.delete(pair)
    this.#knownPairs.add(pair)
    const [oldest] = this.#knownPairs
    if (this.#knownPairs.size > maxNameCount && oldest !== undefined) this.#knownPairs.delete(oldest)
  }

  /** @throws ServiceError `resource_exhausted` with the time to wait */
  register(address: string): void {
    refuse(this.#registrations.waitMs(address))
    this.#registrations.count(address)
  }

  #countersOf(email: string, address: string): readonly (readonly [AttemptCounter, string])[] {
    const pair = pairOf(email, address)
    const own = [[this.#pairs, pair] as const, [this.#addresses, address] as const]
    return this.#knownPairs.has(pair) ? own : [...own, [this.#accounts, sameEmail(email)] as const]
  }
}

function pairOf(email: string, address: string): string {
  return `${address} ${sameEmail(email)}`
}

function refuse(waitMs: number): void {
  if (waitMs === 0) return
  throw new ServiceError('resource_exhausted', 'too many attempts', { details: { retryDelayMs: waitMs } })
}
