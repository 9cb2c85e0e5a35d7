import type { ConfigTexts } from '@tenon/core/registry'
import type { KeyChange, KeyText } from './follow-keys.ts'

export interface KeyTextsOptions {
  /** With its slash: `/config/user/`. */
  readonly prefix: string
  /** Whose texts are read; others are not looked at. */
  readonly variables: readonly string[]
  /** Told once of each value that cannot be read, when it begins. */
  readonly onTrouble?: ((error: Error) => void) | undefined
}

/** The texts of variables, as the keys say that were read last. What is no UTF-8 leaves the text that was there. */
export class KeyTexts {
  readonly #options: KeyTextsOptions
  readonly #variables: ReadonlySet<string>
  readonly #texts = new Map<string, string>()
  /** The variables whose value cannot be read. */
  readonly #unreadable = new Set<string>()

  constructor(options: KeyTextsOptions) {
    this.#options = options
    this.#variables = new Set(options.variables)
  }

  /** Everything there is. */
  replace(all: readonly KeyText[]): void {
    const found = new Set(all.map(({ key }) => this.#toVariable(key)))
    for (const variable of this.#variables) if (!found.has(variable)) this.#remove(variable)
    this.change(all)
  }

  /** Whether a text is another one now, or a value cannot be read that could be, or the other way round. */
  change(changes: readonly KeyChange[]): boolean {
    return changes.filter((one) => this.#take(one)).length > 0
  }

  snapshot(): ConfigTexts {
    return Object.freeze(Object.fromEntries(this.#texts))
  }

  #take(one: KeyChange): boolean {
    const variable = this.#toVariable(one.key)
    if (!this.#variables.has(variable)) return false
    if ('isDeleted' in one) return this.#remove(variable)
    return one.text === undefined ? this.#leaveOut(variable, one.key) : this.#set(variable, one.text)
  }

  #set(variable: string, text: string): boolean {
    const isNew = this.#texts.get(variable) !== text
    this.#texts.set(variable, text)
    return this.#unreadable.delete(variable) || isNew
  }

  #leaveOut(variable: string, key: string): boolean {
    if (this.#unreadable.has(variable)) return false
    this.#unreadable.add(variable)
    this.#options.onTrouble?.(new Error(`etcd: the value of ${key} is left out, for it is no UTF-8`))
    return true
  }

  #remove(variable: string): boolean {
    const isNew = this.#texts.delete(variable)
    return this.#unreadable.delete(variable) || isNew
  }

  #toVariable(key: string): string {
    return key.slice(this.#options.prefix.length)
  }
}
