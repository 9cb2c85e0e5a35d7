/** A measured value, and the span it was measured in. */
export interface Exemplar {
  readonly value: number
  readonly traceId: string
  readonly spanId: string
  /** Epoch time. */
  readonly atMs: number
}

/** Attributes as an instrument is given them. */
type Attributes = Readonly<Record<string, unknown>>

/** What is kept at most: as many series as an instrument of the SDK has, with a few values each. */
const limits = { seriesCount: 2_000, valueCount: 10 } as const

/** The last values of histograms that were measured in spans that are kept, for the SDK keeps none. */
export class ExemplarStore {
  readonly #series = new Map<string, Exemplar[]>()

  add(metric: string, attributes: Attributes, exemplar: Exemplar): void {
    const key = keyOf(metric, attributes)
    const kept = this.#series.get(key)
    if (kept !== undefined) {
      kept.unshift(exemplar)
      kept.length = Math.min(kept.length, limits.valueCount)
    } else if (this.#series.size < limits.seriesCount) this.#series.set(key, [exemplar])
  }

  /** Those of one series, the newest first. */
  of(metric: string, attributes: Attributes): readonly Exemplar[] {
    return this.#series.get(keyOf(metric, attributes)) ?? []
  }
}

function keyOf(metric: string, attributes: Attributes): string {
  const named = Object.keys(attributes)
    .toSorted()
    .map((name) => [name, attributes[name]])
  return JSON.stringify([metric, named])
}
