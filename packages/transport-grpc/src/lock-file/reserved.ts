import type { NumberRange, Reserved } from './lock-file.ts'

/** Both together, sorted and without overlaps. */
export function addReserved(one: Reserved, other: Reserved): Reserved {
  return {
    ranges: joinRanges([...one.ranges, ...other.ranges]),
    names: [...new Set([...one.names, ...other.names])].sort(),
  }
}

export function isReserved({ ranges }: Reserved, number: number): boolean {
  return ranges.some(([first, last]) => number >= first && number <= last)
}

/** What numbers a declaration may use. */
export interface NumberSpace {
  readonly largest: number
  /** Numbers that protobuf keeps for itself. */
  readonly kept: readonly NumberRange[]
}

/** @see Protocol Buffers language guide (proto 3), assigning field numbers */
export const fieldNumbers: NumberSpace = { largest: 536_870_911, kept: [[19_000, 19_999]] }

/** @see Protocol Buffers language guide (proto 3), enumerations: a value is an int32 */
export const enumNumbers: NumberSpace = { largest: 2_147_483_647, kept: [] }

/**
 * Gives numbers above all that are used and reserved, one after another; undefined when there are no more.
 *
 * A range that is reserved to the very end, as one made by hand may be, is left out of "above all".
 */
export function freeNumbers(used: readonly number[], reserved: Reserved, space: NumberSpace): () => number | undefined {
  const taken = joinRanges([...reserved.ranges, ...space.kept])
  const ends = reserved.ranges.map(([, end]) => end).filter((end) => end < space.largest)
  let last = Math.max(0, ...used, ...ends)
  return () => {
    const [, end] = taken.find(([first, end]) => last + 1 >= first && last + 1 <= end) ?? [0, last]
    last = end + 1
    return last <= space.largest ? last : undefined
  }
}

function joinRanges(ranges: readonly NumberRange[]): readonly NumberRange[] {
  const joined: NumberRange[] = []
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = joined.at(-1)
    if (before && first <= before[1] + 1) joined[joined.length - 1] = [before[0], Math.max(before[1], last)]
    else joined.push([first, last])
  }
  return joined
}
