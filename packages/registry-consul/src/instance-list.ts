import { type Instance, toSnapshot } from '@tenon/core/registry'
import { isRecord } from '@tenon/core/transport'
import { parseJson } from './agent/parse-json.ts'
import { readEntry, type Reading } from './consul-mapping.ts'

interface Kept {
  /** What the reading was made of. */
  readonly content: string
  readonly reading: Reading
}

/** The instances of one name as Consul last told them. What did not change stays the same object. */
export class InstanceList {
  readonly #name: string
  #kept = new Map<string, Kept>()
  #snapshot: readonly Instance[] = []

  constructor(name: string) {
    this.#name = name
  }

  /**
   * Reads an answer of `/v1/health/service/:name`.
   *
   * @returns the instances, the very same list when nothing changed, and what cannot be read.
   * @throws Error for an answer that is no list.
   */
  read(text: string): { readonly snapshot: readonly Instance[]; readonly problems: readonly string[] } {
    const entries = parseJson(text, `what Consul says of ${this.#name}`)
    if (!Array.isArray(entries)) throw new Error(`what Consul says of ${this.#name} is no list: ${text.slice(0, 80)}`)
    // Of two of one id the one that was announced later counts.
    entries.sort((one, other) => createdAt(one) - createdAt(other))
    const kept = new Map(entries.map((entry, index) => [keyOf(entry, index), this.#keep(entry, keyOf(entry, index))]))
    this.#kept = kept
    const readings = [...kept.values()].map(({ reading }) => reading)
    const problems = readings.flatMap((reading) => (reading.kind === 'unreadable' ? [reading.problem] : []))
    this.#show(toSnapshot(readings.flatMap((reading) => (reading.kind === 'instance' ? [reading.instance] : []))))
    return { snapshot: this.#snapshot, problems }
  }

  #keep(entry: unknown, key: string): Kept {
    const content = contentOf(entry)
    const before = this.#kept.get(key)
    return before?.content === content ? before : { content, reading: readEntry(entry) }
  }

  #show(snapshot: readonly Instance[]): void {
    const isSame = snapshot.length === this.#snapshot.length && snapshot.every((one, at) => one === this.#snapshot[at])
    if (!isSame) this.#snapshot = snapshot
  }
}

/** An id may be registered with the agents of several nodes. */
function keyOf(entry: unknown, index: number): string {
  const { Node: node, Service: service } = isRecord(entry) ? entry : {}
  if (!isRecord(node) || !isRecord(service)) return String(index)
  return JSON.stringify([node['Node'], service['ID']])
}

/** Consul's own order, which no clock of a machine upsets. */
function createdAt(entry: unknown): number {
  const service = isRecord(entry) ? entry['Service'] : undefined
  return isRecord(service) ? Number(service['CreateIndex']) || 0 : 0
}

/** All that `readEntry` looks at: outputs of checks, and when they were written, do not matter. */
function contentOf(entry: unknown): string {
  if (!isRecord(entry) || !isRecord(entry['Service'])) return JSON.stringify(entry)
  const { ID: id, Service: name, Meta: meta } = entry['Service']
  const checks: readonly unknown[] = Array.isArray(entry['Checks']) ? entry['Checks'] : []
  return JSON.stringify([
    id,
    name,
    meta,
    checks.map((check) => (isRecord(check) ? [check['CheckID'], check['Status']] : null)),
  ])
}
