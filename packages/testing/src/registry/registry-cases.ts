import { checkLacks, findLack, type Lack } from '../conformance/lack.ts'
import { within } from '../conformance/within.ts'
import { registryBehaviours } from './registry-behaviours.ts'
import { type RegistryFeature, registryFeatures } from './registry-feature.ts'
import type { RegistryHarness } from './registry-harness.ts'
import { openRegistryStage } from './registry-stage.ts'

/** One behaviour to be tried on one registry. */
export interface RegistryCase {
  /** Group and statement: `outage: the list stays`. The same for every registry. */
  readonly title: string
  readonly group: string
  readonly name: string
  /** Why the registry is not asked; undefined when it is. */
  readonly lacks: Lack<RegistryFeature> | undefined
  /** Longest time it may take, in milliseconds. */
  readonly limitMs: number
  /**
   * Starts a place, tries the behaviour and closes the place. Needs nothing of what ran before and leaves nothing behind.
   *
   * @throws Error when the registry does otherwise, and for a case that it lacks: a runner must say so and not run it.
   */
  run(): Promise<void>
}

/**
 * The suite for one registry, as data for any test runner.
 *
 * @throws TypeError for a lack that is no feature, or has no reason.
 */
export function registryCases(harness: RegistryHarness): readonly RegistryCase[] {
  const { name: registry, areLongCasesRun = false, bounds, longOutageMs = 30_000 } = harness
  checkLacks(registry, harness.lacks ?? {}, registryFeatures)
  const lacks = areLongCasesRun ? (harness.lacks ?? {}) : { ...harness.lacks, long: 'areLongCasesRun is not set' }
  const boundsMs = bounds.seenMs + bounds.goneMs + bounds.expiredMs + bounds.noticedMs
  const { caseLimitMs = 20_000 + 3 * boundsMs } = harness
  return registryBehaviours.map((behaviour): RegistryCase => {
    const { group, name, needs } = behaviour
    const lack = findLack(needs, lacks)
    const limitMs = caseLimitMs + (needs.includes('long') ? longOutageMs : 0)
    const refuse = () => Promise.reject(new Error(`${registry} lacks ${lack?.feature}: ${lack?.reason}`))
    const run = async () => {
      await using stage = await openRegistryStage(harness)
      await within(behaviour.run(stage), limitMs)
    }
    return Object.freeze({ title: `${group}: ${name}`, group, name, lacks: lack, limitMs, run: lack ? refuse : run })
  })
}
