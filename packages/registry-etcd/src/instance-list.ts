import { type Instance, toSnapshot } from '@tenon/core/registry'
import { readValue, toKey } from './etcd-mapping.ts'
import type { KeyChange, KeyText } from './follow-keys.ts'

export interface InstanceListOptions {
  /** What the keys of all instances begin with. */
  readonly prefix: string
  readonly name: string
  /** Told once of each value that is no instance. */
  readonly onTrouble?: ((error: Error) => void) | undefined
}

/** The instances of a name, as the keys say that were read last. An instance whose value stays the same stays the same object. */
export class InstanceList {
  readonly #options: InstanceListOptions
  #entries = new Map<string, Entry>()

  constructor(options: InstanceListOptions) {
    this.#options = options
  }

  /** Everything there is. */
  replace(all: readonly KeyText[]): void {
    this.#entries = new Map(all.map((one) => [one.key, this.#toEntry(one)]))
  }

  /** Whether that changes the list: a key may be put again as it was. */
  change(changes: readonly KeyChange[]): boolean {
    let isChanged = false
    for (const one of changes) {
      const before = this.#entries.get(one.key)?.instance
      if ('isDeleted' in one) this.#entries.delete(one.key)
      else this.#entries.set(one.key, this.#toEntry(one))
      isChanged ||= this.#entries.get(one.key)?.instance !== before
    }
    return isChanged
  }

  snapshot(): readonly Instance[] {
    return toSnapshot([...this.#entries.values()].flatMap(({ instance }) => instance ?? []))
  }

  #toEntry({ key, text }: KeyText): Entry {
    const before = this.#entries.get(key)
    if (before !== undefined && before.text === text) return before
    try {
      return { text, instance: this.#read(key, text) }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#options.onTrouble?.(new Error(`etcd: the value of ${key} is left out, for ${reason}`))
      return { text }
    }
  }

  #read(key: string, text: string | undefined): Instance {
    if (text === undefined) throw new Error('it is no UTF-8')
    const { instance } = readValue(text)
    const { prefix, name } = this.#options
    if (instance.name === name && toKey(prefix, instance) === key) return instance
    throw new Error('it is that of another key')
  }
}

interface Entry {
  readonly text: string | undefined
  readonly instance?: Instance
}
