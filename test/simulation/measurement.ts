/** One call that is over. */
interface Ended {
  readonly atMs: number
  readonly latencyMs: number
  readonly hasFailed: boolean
}

/** The calls that began in one step of time. */
interface Step {
  readonly latenciesMs: number[]
  failedCount: number
  attemptCount: number
}

/** The calls of a run are counted by steps of this length. */
export const stepMs = 500

/** What a run has shown. */
export class Measurement {
  readonly #steps: Step[] = []

  note({ atMs, latencyMs, hasFailed }: Ended): void {
    const step = this.#stepAt(atMs)
    step.latenciesMs.push(latencyMs)
    step.failedCount += hasFailed ? 1 : 0
  }

  noteAttempt(atMs: number): void {
    this.#stepAt(atMs).attemptCount += 1
  }

  /** Of the calls that began in a span of time, from one step to another. */
  between(fromMs: number, untilMs: number): Span {
    const steps = this.#steps.slice(fromMs / stepMs, untilMs / stepMs)
    const latencies = Float64Array.from(steps.flatMap(({ latenciesMs }) => latenciesMs)).sort()
    const at = (ratio: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * ratio))] ?? 0
    const failedCount = steps.reduce((sum, step) => sum + step.failedCount, 0)
    const attemptCount = steps.reduce((sum, step) => sum + step.attemptCount, 0)
    return {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      failedRatio: latencies.length === 0 ? 0 : failedCount / latencies.length,
      attemptsPerCall: attemptCount / latencies.length,
    }
  }

  #stepAt(atMs: number): Step {
    return (this.#steps[Math.floor(atMs / stepMs)] ??= { latenciesMs: [], failedCount: 0, attemptCount: 0 })
  }
}

export interface Span {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failedRatio: number
  /** How often a call was sent, or a connection for it could not be made, in the mean. */
  readonly attemptsPerCall: number
}

/** The least and the largest of several counts, as parts of their mean; of many, the hundredth part at either end is left to chance. */
export function spreadOf(counts: readonly number[]): { readonly least: number; readonly most: number } {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const sorted = counts.toSorted((one, other) => one - other)
  const margin = Math.floor(counts.length / 100)
  return { least: (sorted.at(margin) ?? 0) / mean, most: (sorted.at(-1 - margin) ?? 0) / mean }
}

/** The means of so many neighbours each; the last may be fewer. */
export function meansOf(counts: readonly number[], groupSize: number): readonly number[] {
  return Array.from({ length: Math.ceil(counts.length / groupSize) }, (_, group) => {
    const members = counts.slice(group * groupSize, (group + 1) * groupSize)
    return members.reduce((sum, count) => sum + count, 0) / members.length
  })
}
