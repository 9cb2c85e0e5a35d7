import { randomUUID } from 'node:crypto'

/**
 * What the name of a group begins with that only looks at a topic: it commits nothing, nothing is kept for it, and it is gone when its
 * only member leaves.
 */
export const readerGroupPrefix = 'tenon.reader.'

/** A name that no other reader has. */
export function newReaderGroup(): string {
  return `${readerGroupPrefix}${randomUUID()}`
}
