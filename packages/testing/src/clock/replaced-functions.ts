/** A function that another stands in for. */
interface Replacement {
  readonly target: object
  readonly key: PropertyKey
  readonly value: unknown
  readonly own: PropertyDescriptor | undefined
}

/**
 * Functions that others stand in for until they are put back. A stand-in that somebody has kept does then what the function
 * itself does.
 */
export class ReplacedFunctions {
  readonly #replacements: Replacement[] = []
  #isRestored = false

  get isRestored(): boolean {
    return this.#isRestored
  }

  replace(target: object, key: PropertyKey, standIn: (...args: never[]) => unknown): void {
    const real: unknown = Reflect.get(target, key)
    if (typeof real !== 'function') throw new TypeError(`${String(key)} is no function here`)
    const value = (...args: never[]): unknown =>
      this.#isRestored ? Reflect.apply(real, target, args) : standIn(...args)
    // With what the stand-in carries, such as the form that `util.promisify` takes.
    this.replaceValue(target, key, Object.assign(value, standIn))
  }

  replaceValue(target: object, key: PropertyKey, value: unknown): void {
    const own = Object.getOwnPropertyDescriptor(target, key)
    Object.defineProperty(target, key, {
      configurable: true,
      enumerable: own?.enumerable ?? true,
      writable: true,
      value,
    })
    this.#replacements.push({ target, key, value, own })
  }

  /** Puts all back, except what somebody else has replaced meanwhile; gives the names of those. */
  restore(): readonly string[] {
    this.#isRestored = true
    return this.#replacements.splice(0).flatMap(({ target, key, value, own }) => {
      if (Reflect.get(target, key) !== value) return [String(key)]
      if (own) Object.defineProperty(target, key, own)
      else Reflect.deleteProperty(target, key)
      return []
    })
  }
}
