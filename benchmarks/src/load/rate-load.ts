import { setImmediate } from 'node:timers/promises'
import { Connection } from './connection.ts'
import type { HttpRequest } from './http-request.ts'

export interface RateLoad {
  readonly port: number
  readonly request: HttpRequest
  readonly requestsPerSecond: number
  readonly requestCount: number
}

/** How long replies took, counted from when their requests were due. */
export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

const connectionCount = 32

/**
 * Sends requests at a fixed rate, whatever the server makes of it: a request that is due while all connections are taken
 * waits, and its wait counts.
 */
export async function loadAtRate(load: RateLoad): Promise<Latency> {
  const { port, request, requestsPerSecond, requestCount } = load
  const connections = await Promise.all(Array.from({ length: connectionCount }, () => Connection.open(port, request)))
  const failed = Promise.withResolvers<never>()
  for (const connection of connections) connection.onFailure(failed.reject)
  const schedule = new Schedule(requestsPerSecond, requestCount)
  try {
    await Promise.race([runSchedule(schedule, connections), failed.promise])
    return schedule.latency()
  } finally {
    for (const connection of connections) connection.close()
  }
}

async function runSchedule(schedule: Schedule, connections: readonly Connection[]): Promise<void> {
  const idle = [...connections]
  while (!schedule.isDone) {
    for (let due = idle.length > 0 && schedule.isDue; due; due = idle.length > 0 && schedule.isDue) {
      const connection = idle.pop()
      const answered = schedule.send()
      connection?.exchange(() => {
        answered()
        idle.push(connection)
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
