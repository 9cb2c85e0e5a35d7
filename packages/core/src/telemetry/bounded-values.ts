/** Stands for all values of an attribute that are too many to be told apart. @see OpenTelemetry metrics SDK: cardinality limits */
export const overflow = Object.freeze({ 'otel.metric.overflow': true })

/**
 * Whether a value of an attribute is told apart from others: for values that come from outside, such as addresses. The first are, and all behind
 * them are to be one (`overflow`), as an SDK has it for what is over its own limit. None is forgotten, since an SDK forgets none either.
 *
 * @param limitCount How many values are told apart.
 */
export function boundedValues(limitCount: number = mostValues): (value: string) => boolean {
  const known = new Set<string>()
  return (value) => {
    if (known.size < limitCount) known.add(value)
    return known.has(value)
  }
}

/** A guess: half of the series that an SDK keeps of a metric, so that it has room for what else they are told apart by. @see OpenTelemetry metrics SDK: 2,000 */
const mostValues = 1_000
