import { BinaryReader } from '@bufbuild/protobuf/wire'

/** @see Protocol Buffers: the default limit of the C++ and Java libraries, which refuse what is deeper */
export const deepestNesting = 100

/**
 * How deep a message is that lies in one of the given depth; the whole message has depth 0, and entries of maps count too.
 *
 * @throws RangeError for one that is deeper than other libraries take.
 */
export function inside(depth: number): number {
  if (depth >= deepestNesting) throw new RangeError(`messages lie in messages more than ${deepestNesting} deep`)
  return depth + 1
}

/** A reader that knows how deep in messages it reads; it is not used again once it has failed. */
export class NestedReader extends BinaryReader {
  #depth = 0

  /**
   * Begins a message in the one that is being read.
   *
   * @throws RangeError as `inside` does.
   */
  enter(): void {
    this.#depth = inside(this.#depth)
  }

  /** Ends it. */
  leave(): void {
    this.#depth -= 1
  }
}
