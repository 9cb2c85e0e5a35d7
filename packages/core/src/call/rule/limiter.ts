import { ServiceError } from '../../error/service-error.ts'

export interface Limits {
  /** How many calls may run at the same time. */
  readonly maxRunning: number
  /** How many more may wait for a place. */
  readonly maxWaiting: number
}

/** A call's claim to a place; one that is given up is passed over. */
export interface Ticket {
  /** Resolves when the place is had or was given up; undefined when it was free. */
  readonly granted: Promise<void> | undefined
  /** Whether the place is had. */
  readonly isGranted: boolean
  /** Frees the place, or stops waiting for it. Safe to call twice. */
  release(): void
}

/** Lets so many calls run at once and a few more wait, first come, first served. */
export class Limiter {
  readonly #limits: Limits
  readonly #waiting = new Set<Place>()
  readonly #patient = new Set<Place>()
  #isPatientNext = false
  #runningCount = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get runningCount(): number {
    return this.#runningCount
  }

  get waitingCount(): number {
    return this.#waiting.size + this.#patient.size
  }

  /**
   * @param isPatient For a caller that is held back elsewhere, as a queue is: it waits however many do.
   * @throws ServiceError `resource_exhausted` when all places are taken and too many wait already.
   */
  enter(isPatient: boolean): Ticket {
    const { maxRunning, maxWaiting } = this.#limits
    const place = new Place((given) => this.#give(given))
    if (this.#runningCount < maxRunning) {
      this.#runningCount += 1
      place.grant()
    } else {
      if (!isPatient && this.#waiting.size >= maxWaiting) throw overloaded()
      const waiting = isPatient ? this.#patient : this.#waiting
      waiting.add(place.wait())
    }
    return place
  }

  /** The place goes to whoever has waited longest; of the patient and the others in turn, so that neither locks the other out. */
  #give(place: Place): void {
    if (this.#waiting.delete(place) || this.#patient.delete(place)) return
    const [first, second] = this.#isPatientNext ? [this.#patient, this.#waiting] : [this.#waiting, this.#patient]
    const next = firstOf(first) ?? firstOf(second)
    if (next === undefined) {
      this.#runningCount -= 1
      return
    }
    this.#isPatientNext = !this.#patient.delete(next)
    this.#waiting.delete(next)
    next.grant()
  }
}

function firstOf(places: ReadonlySet<Place>): Place | undefined {
  const [first] = places
  return first
}

class Place implements Ticket {
  isGranted = false
  granted: Promise<void> | undefined = undefined
  readonly #give: (place: Place) => void
  #resume: (() => void) | undefined
  #isReleased = false

  constructor(give: (place: Place) => void) {
    this.#give = give
  }

  wait(): this {
    this.granted = new Promise((resolve) => {
      this.#resume = resolve
    })
    return this
  }

  grant(): void {
    this.isGranted = true
    this.#resume?.()
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#give(this)
    // Whoever waited for it must learn that it does not come.
    this.#resume?.()
  }
}

/** How long a caller should wait that found no place. A guess: about as long as an overload lasts that passes by itself. */
const retryDelayMs = 1000

/** What a call is answered for which there is no place. */
export function overloaded(): ServiceError {
  return new ServiceError('resource_exhausted', 'too many calls are running', {
    reason: 'overloaded',
    details: { retryDelayMs },
  })
}
