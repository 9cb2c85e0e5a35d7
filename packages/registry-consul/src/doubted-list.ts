import { type Instance, toSnapshot } from '@tenon/core/registry'

/**
 * The lists of one name, across outages. A registry that was restarted may have forgotten its instances, which announce themselves anew within
 * the time that they wait before they try again: a first list after an outage that is empty, or whose index went back, is not believed for
 * so long, and what was known before stays beside what it has.
 */
export class DoubtedList {
  readonly #put: (list: readonly Instance[]) => void
  #known: readonly Instance[] = []
  #believed: readonly Instance[] = []
  #index = 0
  #isFirst = true
  #doubt: NodeJS.Timeout | undefined

  constructor(put: (list: readonly Instance[]) => void) {
    this.#put = put
  }

  /** The registry is away, or nobody reads any more. */
  interrupt(): void {
    this.#isFirst = true
    clearTimeout(this.#doubt)
    this.#doubt = undefined
  }

  show(list: readonly Instance[], index: number): void {
    if (this.#isFirst && (index < this.#index || list.length === 0)) this.#doubtUntilSettled()
    if (!this.#isFirst && list === this.#believed) return
    this.#isFirst = false
    this.#index = index
    this.#believed = list
    if (this.#doubt === undefined) this.#known = list
    else this.#known = toSnapshot([...this.#known, ...list])
    this.#put(this.#known)
  }

  #doubtUntilSettled(): void {
    if (this.#known.length === 0) return
    const settle = () => {
      this.#doubt = undefined
      this.#known = this.#believed
      this.#put(this.#known)
    }
    this.#doubt = setTimeout(settle, settlingMs)
    this.#doubt.unref()
  }
}

/** The longest that `persist` waits before it tries again. */
const settlingMs = 2_000
