import { toFound } from '../../error/given-value.ts'
import { ConfigError } from '../../error/setup-error.ts'
import type { OutgoingCall } from '../client-transport.ts'
import { optionCheck } from '../../error/option-check.ts'
import { hashOf, mixed } from '../target/hash.ts'
import type { Target } from '../target/target.ts'
import type { Balancer, Choice, Load, Picker } from './balancer.ts'
import { random } from './random.ts'
import { firstAbove } from './weighted-draw.ts'

export interface ConsistentHashOptions {
  /** Where the key of a call is: a field of its input, `{ field: 'userId' }`, or an entry of its metadata, `{ metadata: 'tenant' }`. */
  readonly key: { readonly field: string } | { readonly metadata: string }
  /**
   * How many times the mean of the running calls an instance may have; what is beyond it goes to the next one.
   *
   * @defaultValue 1.25
   * @remarks Range 1.05–10
   * @see Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads"
   */
  readonly loadFactor?: number
}

/**
 * Calls with the same key go to the same instance, and of those of one that goes each other gets a part. A key's calls go elsewhere while
 * its instance has too many, is ejected, or cannot be reached. A call without a key, as one whose input is a stream and whose key a field, goes
 * anywhere. The instances of all zones are one ring.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`
 */
export function consistentHash({ key, loadFactor = 1.25, ...strays }: ConsistentHashOptions): Balancer {
  const check = optionCheck('consistentHash')
  const problems = [
    ...check.names(strays, ['key', 'loadFactor']),
    ...(readerOf(key) ? [] : [check.malformed(`key must be { field } or { metadata }, found ${toFound(key)}`)]),
    ...(loadFactor >= 1.05 && loadFactor <= 10
      ? []
      : [check.outOfRange(`loadFactor must be from 1.05 to 10, found ${toFound(loadFactor)}`)]),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({
    name: 'consistentHash',
    keyOf: readerOf(key),
    over: (targets: readonly Target[], load: Load) => new Ring(targets, load, loadFactor),
  })
}

type ReadKey = (input: unknown, call: OutgoingCall) => string | undefined

function readerOf(
  key: Partial<{ readonly field: unknown; readonly metadata: unknown }> | undefined,
): ReadKey | undefined {
  const { field, metadata } = key ?? {}
  if (typeof field === 'string') return (input) => textOf(Object(input)[field])
  if (typeof metadata !== 'string') return undefined
  const name = metadata.toLowerCase()
  return (_input, call) => call.metadata[name]
}

function textOf(value: unknown): string | undefined {
  return ['string', 'number', 'bigint'].includes(typeof value) ? String(value) : undefined
}

/** Points on a circle, so many of each target as its weight says; a key belongs to the point behind its hash. */
class Ring implements Picker {
  readonly #targets: readonly Target[]
  readonly #load: Load
  readonly #loadFactor: number
  readonly #weight: number
  /** Hash and target in one number each, in order. */
  readonly #points: Float64Array
  readonly #anywhere: Picker

  constructor(targets: readonly Target[], load: Load, loadFactor: number) {
    this.#targets = targets
    this.#load = load
    this.#loadFactor = loadFactor
    this.#weight = targets.reduce((sum, { weight }) => sum + weight, 0)
    this.#points = pointsOf(targets, this.#weight)
    this.#anywhere = random().over(targets, load)
  }

  pick(choice: Choice, nowMs: number): Target | undefined {
    if (choice.key === undefined) return this.#anywhere.pick(choice, nowMs)
    const from = firstAbove(this.#points, hashOf(choice.key) * placeRange - 0.5)
    let open: Target | undefined
    for (let ahead = 0; ahead < this.#points.length; ahead += 1) {
      const point = this.#points[(from + ahead) % this.#points.length] ?? 0
      const target = this.#targets[point % placeRange]
      if (target === undefined || !choice.isOpen(target)) continue
      open ??= target
      if (target.runningCount < this.#capacityOf(target)) return target
    }
    return open
  }

  #capacityOf({ weight }: Target): number {
    return Math.ceil((this.#loadFactor * (this.#load.runningCount + 1) * weight) / this.#weight)
  }
}

function pointsOf(targets: readonly Target[], weight: number): Float64Array {
  const points = targets.flatMap((target, place) => {
    const hash = hashOf(target.address)
    const count = Math.max(1, Math.round((pointCount * target.weight * targets.length) / weight))
    return Array.from({ length: count }, (_, index) => mixed(hash, index + 1) * placeRange + place)
  })
  return Float64Array.from(points).sort()
}

/** Of a target with the mean weight. A guess: keys spread to within some 10 %, and a ring of 1,000 targets is made in 20 ms. */
const pointCount = 100

/** More than there are targets; with 32 bits of a hash above it still a whole number. */
const placeRange = 2 ** 20
