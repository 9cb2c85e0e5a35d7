import { setImmediate } from 'node:timers/promises'
import { type Lane, untilFailure } from './lane.ts'

export interface RateLoad {
  readonly requestsPerSecond: number
  readonly requestCount: number
}

/** How long replies took, counted from when their requests were due. */
export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

/**
 * Sends requests at a fixed rate, whatever the server makes of it: a request that is due while all lanes are taken waits, and its
 * wait counts. Closes the lanes.
 */
export async function loadAtRate(
  lanes: readonly Lane[],
  { requestsPerSecond, requestCount }: RateLoad,
): Promise<Latency> {
  const schedule = new Schedule(requestsPerSecond, requestCount)
  await untilFailure(lanes, () => runSchedule(schedule, lanes))
  return schedule.latency()
}

async function runSchedule(schedule: Schedule, lanes: readonly Lane[]): Promise<void> {
  const idle = [...lanes]
  while (!schedule.isDone) {
    for (let due = idle.length > 0 && schedule.isDue; due; due = idle.length > 0 && schedule.isDue) {
      const lane = idle.pop()
      const answered = schedule.send()
      lane?.exchange(() => {
        answered()
        idle.push(lane)
      })
    }
    // A timer would be late by up to a millisecond.
    await setImmediate()
  }
}

/** When each request is due, and how long its reply took from then on. */
class Schedule {
  readonly #intervalMs: number
  readonly #requestCount: number
  readonly #startedAtMs = performance.now()
  readonly #tookMs: number[] = []
  #sentCount = 0

  constructor(requestsPerSecond: number, requestCount: number) {
    this.#intervalMs = 1000 / requestsPerSecond
    this.#requestCount = requestCount
  }

  get isDone(): boolean {
    return this.#tookMs.length === this.#requestCount
  }

  /** Whether a request is to be sent now. */
  get isDue(): boolean {
    return this.#sentCount < this.#requestCount && this.#dueAtMs(this.#sentCount) <= performance.now()
  }

  /** Counts a request as sent; what it gives is called when the reply is there. */
  send(): () => void {
    const dueAtMs = this.#dueAtMs(this.#sentCount)
    this.#sentCount += 1
    return () => this.#tookMs.push(performance.now() - dueAtMs)
  }

  latency(): Latency {
    const sorted = this.#tookMs.toSorted((one, other) => one - other)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
    return { p50Ms: at(0.5), p99Ms: at(0.99) }
  }

  #dueAtMs(index: number): number {
    return this.#startedAtMs + index * this.#intervalMs
  }
}
