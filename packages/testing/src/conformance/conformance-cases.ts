import { behaviours } from './behaviours.ts'
import { type Feature, features } from './feature.ts'
import type { ConformanceHarness } from './harness.ts'
import { checkLacks, findLack, type Lack as LackOf } from './lack.ts'
import { openStage } from './stage.ts'
import { within } from './within.ts'

/** One behaviour to be tried on one transport. */
export interface ConformanceCase {
  /** Group and statement: `access: a caller without a credential is unauthenticated`. The same for every transport. */
  readonly title: string
  readonly group: string
  readonly name: string
  /** Why the transport is not asked; undefined when it is. */
  readonly lacks: Lack | undefined
  /**
   * Starts a service, tries the behaviour and stops the service. Needs nothing of what ran before and leaves nothing behind.
   *
   * @throws Error when the transport does otherwise, and for a case that it lacks: a runner must say so and not run it.
   */
  run(): Promise<void>
}

export type Lack = LackOf<Feature>

/**
 * The suite for one transport, as data for any test runner.
 *
 * @throws TypeError for a lack that is no feature, or has no reason.
 */
export function conformanceCases(harness: ConformanceHarness): readonly ConformanceCase[] {
  const { name: transport, lacks = {}, caseLimitMs = 4_000 } = harness
  checkLacks(transport, lacks, features)
  return behaviours.map((behaviour): ConformanceCase => {
    const { group, name, needs } = behaviour
    const lack = findLack(needs, lacks)
    const refuse = () => Promise.reject(new Error(`${transport} lacks ${lack?.feature}: ${lack?.reason}`))
    const run = async () => {
      await using stage = openStage(harness)
      await within(behaviour.run(stage), caseLimitMs)
    }
    return Object.freeze({
      title: `${group}: ${name}`,
      group,
      name,
      lacks: lack,
      run: lack ? refuse : run,
    })
  })
}
