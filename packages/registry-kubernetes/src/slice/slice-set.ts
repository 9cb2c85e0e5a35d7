import { type Instance, toSnapshot } from '@tenon/core/registry'
import { type FoundEndpoint, forZone, readSlice, type ReadSlice, toInstance } from '../kubernetes-mapping.ts'
import type { MappingSettings } from '../kubernetes-options.ts'
import type { SliceObject } from './slice-event.ts'

export interface SliceSetOptions {
  /** What the instances are called. */
  readonly name: string
  readonly settings: MappingSettings
  /** Told once of what a slice says that cannot be read, until the slice says something else. */
  readonly onTrouble?: ((error: Error) => void) | undefined
}

/** The slices of one Service, and the instances they tell of. Each slice is read once, and what has not changed stays the same object. */
export class SliceSet {
  readonly #options: SliceSetOptions
  #slices = new Map<string, Held>()
  #instances = new Map<string, Known>()

  constructor(options: SliceSetOptions) {
    this.#options = options
  }

  /** These slices, and no others. */
  replace(slices: readonly SliceObject[]): void {
    const before = this.#slices
    this.#slices = new Map()
    for (const slice of slices) this.#hold(slice, before.get(slice.name))
  }

  put(slice: SliceObject): void {
    this.#hold(slice, this.#slices.get(slice.name))
  }

  drop({ name }: SliceObject): void {
    this.#slices.delete(name)
  }

  /** What the slices tell now. */
  snapshot(): readonly Instance[] {
    const { name, settings } = this.#options
    const newestFirst = [...this.#slices.values()].toSorted((one, other) => compareVersions(other.version, one.version))
    const byId = Map.groupBy(
      newestFirst.flatMap(({ found }) => found),
      ({ id }) => id,
    )
    const all = [...byId.values()].flatMap(([newest, ...others]) => (newest ? [{ newest, others }] : []))
    const chosen = settings.zone === undefined ? all : forZone(all, settings.zone)
    const before = this.#instances
    this.#instances = new Map(
      chosen.map(({ newest, others }) => [newest.id, toKnown(name, [newest, ...others], before.get(newest.id))]),
    )
    return toSnapshot([...this.#instances.values()].map(({ instance }) => instance))
  }

  #hold({ name, version, fields }: SliceObject, before: Held | undefined): void {
    if (before?.version === version) return void this.#slices.set(name, before)
    const read = readSlice(fields, this.#options.settings)
    if (read.problem !== undefined && read.problem !== before?.problem)
      this.#options.onTrouble?.(new Error(`EndpointSlice ${name} of ${this.#options.name} ${read.problem}`))
    this.#slices.set(name, { ...read, version })
  }
}

interface Held extends ReadSlice {
  readonly version: string
}

interface Known {
  readonly key: string
  readonly instance: Instance
}

function toKnown(name: string, found: readonly [FoundEndpoint, ...FoundEndpoint[]], before: Known | undefined): Known {
  const key = found.map((one) => one.key).join('\n')
  return before?.key === key ? before : { key, instance: toInstance(name, found) }
}

/** Numbers that may be longer than a double is exact. */
function compareVersions(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : Number(one > other))
}
