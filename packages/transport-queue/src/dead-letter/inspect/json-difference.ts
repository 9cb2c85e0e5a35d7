import { isRecord } from '@tenon/core/transport'

/** One place in which two JSON values differ. A side that has nothing there is undefined. */
export interface JsonDifference {
  /** A JSON pointer; empty for the whole. @see RFC 6901 */
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** Where two JSON values differ, the outermost places, at most so many. The order of an object's fields is none. */
export function jsonDifferences(before: unknown, after: unknown, mostCount: number): readonly JsonDifference[] {
  const found: JsonDifference[] = []
  const rest: JsonDifference[] = [{ path: '', before, after }]
  // No recursion, for a document may be nested more deeply than the stack is.
  for (let pair = rest.pop(); pair !== undefined && found.length < mostCount; pair = rest.pop()) {
    const parts = partsOf(pair)
    if (parts !== undefined) rest.push(...parts.toReversed())
    else if (!Object.is(pair.before, pair.after)) found.push(pair)
  }
  return found
}

/** The fields of two objects, or the items of two lists; undefined for anything else. */
function partsOf({ path, before, after }: JsonDifference): readonly JsonDifference[] | undefined {
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length)
    return Array.from({ length }, (_, index) => ({
      path: `${path}/${index}`,
      before: before[index] as unknown,
      after: after[index] as unknown,
    }))
  }
  if (!isRecord(before) || !isRecord(after)) return undefined
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return Array.from(names, (name) => ({
    path: `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    before: ownOf(before, name),
    after: ownOf(after, name),
  }))
}

function ownOf(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
