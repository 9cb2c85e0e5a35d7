/** A property that has another value for a while. */
interface Replacement {
  readonly target: object
  readonly key: PropertyKey
  readonly value: unknown
  readonly own: PropertyDescriptor | undefined
}

/** Values put in the place of others, which can be put back. */
export class ReplacedProperties {
  readonly #replacements: Replacement[] = []

  replace(target: object, key: PropertyKey, value: unknown): void {
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
    return this.#replacements.splice(0).flatMap(({ target, key, value, own }) => {
      if (Reflect.get(target, key) !== value) return [String(key)]
      if (own) Object.defineProperty(target, key, own)
      else Reflect.deleteProperty(target, key)
      return []
    })
  }
}
