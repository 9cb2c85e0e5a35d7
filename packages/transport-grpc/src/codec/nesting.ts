/** @see Protocol Buffers: the default limit of the C++ and Java libraries, which refuse what is deeper */
const deepestNesting = 100

/**
 * How deep a message is that lies in one of the given depth; the whole message has depth 0, and entries of maps count too.
 *
 * @throws RangeError for one that is deeper than other libraries take.
 */
export function inside(depth: number): number {
  if (depth >= deepestNesting) throw new RangeError(`messages lie in messages more than ${deepestNesting} deep`)
  return depth + 1
}

/** How deep what is read lies in messages. One for all, as a message is read in one go: a reader of our own would cost a tenth more. */
let readingDepth = 0

/** Begins a whole message, also after one that could not be read to its end. */
export function beginReading(): void {
  readingDepth = 0
}

/**
 * Begins a message in the one that is being read.
 *
 * @throws RangeError as `inside` does.
 */
export function enter(): void {
  readingDepth = inside(readingDepth)
}

/** Ends it. */
export function leave(): void {
  readingDepth -= 1
}
