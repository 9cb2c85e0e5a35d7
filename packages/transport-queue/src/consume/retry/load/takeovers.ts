/** A word of an owner, by what it had read when it began. */
export interface Era {
  readonly owner: string
  /** In the retry topic: where it lies. */
  readonly offset: number
  /** In the retry topic: what its owner had read. */
  readonly untilOffset: number
}

/** The word of an owner that what others had set aside from an offset of the source on does not count, as far as it had read. */
export interface TakeoverWord extends Era {
  /** Of the source. */
  readonly fromOffset: number
}

/**
 * The takeovers of a retry topic, as far as it was read. Whatever is asked of what lies before those of others takes no more than a few
 * steps, however many they are.
 */
export class Takeovers {
  readonly #words: TakeoverWord[] = []
  /** From the nearest to the farthest, each from a later offset of the source on than those before: the others say nothing besides. */
  readonly #steps: TakeoverWord[] = []
  /** By what their owners had read; of those that had read the same, that of the owner that began last. */
  readonly #latest: TakeoverWord[] = []

  add(word: TakeoverWord): void {
    this.#words.push(word)
    const { fromOffset, untilOffset } = word
    const at = firstIndex(this.#latest, (other) => other.untilOffset >= untilOffset)
    const same = this.#latest[at]
    if (same?.untilOffset !== untilOffset) this.#latest.splice(at, 0, word)
    else if (isLater(word.owner, same.owner)) this.#latest[at] = word
    const end = firstIndex(this.#steps, (step) => beforeOffset(step) > beforeOffset(word))
    const farther = this.#steps[end]
    if (farther !== undefined && farther.fromOffset <= fromOffset) return
    const begin = firstIndex(this.#steps, (step) => step.fromOffset >= fromOffset)
    this.#steps.splice(begin, end - begin, word)
  }

  /** Whether a message of the source that somebody set aside at an offset was left to the source by another owner since. */
  leftToSource(
    offset: number,
    { owner, sourceOffset }: { readonly owner: string; readonly sourceOffset: number },
  ): boolean {
    const step = this.#steps[firstIndex(this.#steps, (other) => beforeOffset(other) > offset)]
    if (step === undefined || step.fromOffset > sourceOffset) return false
    if (step.owner !== owner) return true
    // Owners say it before they set anything aside, so nobody comes here whose clock and broker are right.
    return this.#words.some(
      (word) => beforeOffset(word) > offset && word.fromOffset <= sourceOffset && word.owner !== owner,
    )
  }

  /**
   * Whether what somebody said had not been stored when a later owner read all that there was: that one handles anew what it is about.
   * Who had read more began later; of two who had read the same, the name says.
   */
  isTakenOver({ owner, offset, untilOffset }: Era): boolean {
    if (offset < untilOffset) return false
    const at = firstIndex(this.#latest, (other) => other.untilOffset >= untilOffset)
    const [next, afterNext] = [this.#latest[at], this.#latest[at + 1]]
    if (next === undefined || next.untilOffset > offset) return false
    if (next.untilOffset > untilOffset || isLater(next.owner, owner)) return true
    return afterNext !== undefined && afterNext.untilOffset <= offset
  }
}

/** Whether one owner began after another: commits never go back, and clocks are nearly the same. */
export function isLater(owner: string, other: string): boolean {
  const [committed = 0, beganAt = 0] = owner.split('.').map(Number)
  const [otherCommitted = 0, otherBeganAt = 0] = other.split('.').map(Number)
  return committed === otherCommitted ? beganAt > otherBeganAt : committed > otherCommitted
}

/** Before which a takeover says something: what comes behind it was not there when its owner looked. */
function beforeOffset({ offset, untilOffset }: Era): number {
  return Math.min(offset, untilOffset)
}

/** Where the first lies of which something holds that holds of all behind it; their number where it holds of none. */
function firstIndex<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = Math.trunc((low + high) / 2)
    const item = items[middle]
    if (item === undefined || holds(item)) high = middle
    else low = middle + 1
  }
  return low
}
