/** Many measurements of one thing. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly roundCount: number
}

/** @throws RangeError without values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) throw new RangeError('expected at least one value')
  return { median: medianOf(sorted), min, max, roundCount: values.length }
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length / 2
  const [below = 0, above = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return (below + above) / 2
}

/** Runs both sides of a comparison in every round, the one that comes first changing, so that noise hits both alike. */
export async function pairedRounds<T>(
  roundCount: number,
  sides: { readonly ours: () => Promise<T>; readonly theirs: () => Promise<T> },
) {
  const rounds: { readonly ours: T; readonly theirs: T }[] = []
  for (let round = 0; round < roundCount; round++) {
    if (round % 2 === 0) {
      const theirs = await sides.theirs()
      rounds.push({ theirs, ours: await sides.ours() })
    } else {
      const ours = await sides.ours()
      rounds.push({ ours, theirs: await sides.theirs() })
    }
  }
  return rounds
}
