import type { Behaviour } from './behaviour.ts'
import { behaviours } from './behaviours.ts'
import { type Feature, features, type Lacks } from './feature.ts'
import type { ConformanceHarness } from './harness.ts'
import { openStage } from './stage.ts'

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

export interface Lack {
  readonly feature: Feature
  readonly reason: string
}

/**
 * The suite for one transport, as data for any test runner.
 *
 * @throws TypeError for a lack that is no feature, or has no reason.
 */
export function conformanceCases(harness: ConformanceHarness): readonly ConformanceCase[] {
  const { name: transport, lacks = {}, caseLimitMs = 4_000 } = harness
  checkLacks(transport, lacks)
  return behaviours.map((behaviour): ConformanceCase => {
    const { group, name } = behaviour
    const lack = findLack(behaviour, lacks)
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

function checkLacks(transport: string, lacks: Lacks): void {
  for (const [name, reason] of Object.entries(lacks)) {
    if (!Object.hasOwn(features, name))
      throw new TypeError(`${transport}: lacks: "${name}" is none of ${Object.keys(features).join(', ')}`)
    if (typeof reason !== 'string' || reason.trim() === '')
      throw new TypeError(`${transport}: lacks: expected the reason why it lacks ${name}, found ${String(reason)}`)
  }
}

function findLack({ needs }: Behaviour, lacks: Lacks): Lack | undefined {
  for (const feature of needs) {
    const reason = lacks[feature]
    if (reason !== undefined) return Object.freeze({ feature, reason })
  }
  return undefined
}

/** A transport that never answers fails its case, whatever the runner does about time. */
async function within(work: Promise<void>, limitMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`the case did not end within ${limitMs} ms`)), limitMs)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
