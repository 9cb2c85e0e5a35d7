import type fc from 'fast-check'
import { requireKept } from './require-kept.ts'
import { type RunVerdict, runScenario } from './run-scenario.ts'
import type { Scenario } from './scenario.ts'
import { forEachSeed, type SeedOptions } from './seeds.ts'
import { Tally } from './tally.ts'
import type { World } from './world.ts'

export interface PlayOptions extends SeedOptions {
  /** What is played, for people who read the counts. */
  readonly what: string
  /** Where a scenario is played, each in one of its own. */
  world(scenario: Scenario): World | Promise<World>
  /** Told of each that was played. */
  readonly played?: (verdict: RunVerdict) => void
}

/**
 * Plays the scenario of each seed, and tells what they came to together.
 *
 * @throws Error when something was not kept, as `forEachSeed`
 */
export async function playAll(
  scenarios: fc.Arbitrary<Scenario>,
  { what, world: open, played, ...seeds }: PlayOptions,
): Promise<Tally> {
  const tally = new Tally()
  const play = async (scenario: Scenario) => {
    await using world = await open(scenario)
    const verdict = await runScenario(scenario, world)
    requireKept(verdict)
    tally.add(verdict)
    played?.(verdict)
  }
  await forEachSeed(scenarios, play, seeds)
  tally.tell(what)
  return tally
}
