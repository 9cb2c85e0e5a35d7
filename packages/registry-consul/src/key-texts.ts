import type { ConfigTexts } from '@tenon/core/registry'
import { isRecord } from '@tenon/core/transport'
import { parseJson } from './agent/parse-json.ts'

export interface KeyTextsOptions {
  /** With its slash: `config/user/`. */
  readonly prefix: string
  readonly maxValueBytes: number
  /** Whose texts are read; others are not looked at. */
  readonly variables: readonly string[]
}

/** The texts of variables as keys of Consul last told them. */
export class KeyTexts {
  readonly #options: KeyTextsOptions
  readonly #variables: ReadonlySet<string>
  #texts: ConfigTexts | undefined
  #keys = ''

  constructor(options: KeyTextsOptions) {
    this.#options = options
    this.#variables = new Set(options.variables)
  }

  /**
   * Reads an answer of `/v1/kv/:prefix?recurse`.
   *
   * @returns the texts, the very same object when nothing changed, and what cannot be read.
   * @throws Error for an answer that is no list.
   */
  read(text: string): { readonly texts: ConfigTexts; readonly problems: readonly string[] } {
    const { prefix } = this.#options
    const entries = this.#listOf(text)
    this.#keys = JSON.stringify(entries.map((entry) => (isRecord(entry) ? entry['Key'] : null)))
    const found = new Map<string, string>()
    const problems: string[] = []
    for (const entry of entries.filter(isRecord)) {
      const variable = this.#variableOf(entry['Key'])
      if (variable === undefined) continue
      const value = this.#decode(entry['Value'] ?? '')
      // Of a value that cannot be read the one before it stays in force.
      const text = typeof value === 'string' ? value : this.#texts?.[variable]
      if (text !== undefined) found.set(variable, text)
      if (typeof value !== 'string') problems.push(`the key ${prefix}${variable} is left out: ${value.problem}`)
    }
    this.#texts = keepSame(this.#texts, found)
    return { texts: this.#texts, problems }
  }

  /** Whether an answer of `/v1/kv/:prefix?keys` names other keys than there were. */
  hasOtherKeys(text: string): boolean {
    return JSON.stringify(this.#listOf(text)) !== this.#keys
  }

  #listOf(text: string): readonly unknown[] {
    const what = `what Consul says of the keys below ${this.#options.prefix}`
    const list = parseJson(text, what)
    if (!Array.isArray(list)) throw new Error(`${what} is no list`)
    return list
  }

  #variableOf(key: unknown): string | undefined {
    const { prefix } = this.#options
    if (typeof key !== 'string' || !key.startsWith(prefix)) return undefined
    const variable = key.slice(prefix.length)
    return this.#variables.has(variable) ? variable : undefined
  }

  /** Tells nothing of the value: it may be a secret. */
  #decode(value: unknown): string | { readonly problem: string } {
    const { maxValueBytes } = this.#options
    if (typeof value !== 'string') return { problem: 'its value is no text' }
    const bytes = Buffer.from(value, 'base64')
    if (bytes.length > maxValueBytes) return { problem: `its value is longer than maxValueBytes, ${maxValueBytes}` }
    try {
      return utf8.decode(bytes)
    } catch {
      return { problem: 'its value is no UTF-8' }
    }
  }
}

/** A mark of the byte order is no part of a value. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

function keepSame(before: ConfigTexts | undefined, found: ReadonlyMap<string, string>): ConfigTexts {
  const names = Object.keys(before ?? {})
  const isSame = before && names.length === found.size && names.every((name) => before[name] === found.get(name))
  return isSame ? before : Object.freeze(Object.fromEntries(found))
}
