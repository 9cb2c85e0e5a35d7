import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { runScenario } from './model/run-scenario.ts'
import { type Scenario, scenarios } from './model/scenario.ts'
import { forEachSeed } from './model/seeds.ts'

const arbitrary = scenarios({ maxStepCount: 30, isOnFakeClock: true })

test('a scenario on the memory broker is the same run each time', async () => {
  const play = async (scenario: Scenario) => {
    await using world = memoryWorld(scenario)
    return (await runScenario(scenario, world)).journal.facts
  }
  for (const scenario of fc.sample(arbitrary, { seed: 1, numRuns: 5 }))
    expect(await play(scenario)).toEqual(await play(scenario))
})

test('a failing seed is told with the command that repeats it, and the smallest scenario that fails', async () => {
  const tried: number[] = []
  const fail = async (count: number) => {
    tried.push(count)
    if (count > 2) throw new Error(`${count} is too many`)
  }
  const failing = forEachSeed(fc.integer({ min: 0, max: 1_000 }), fail, { file: 'some.test.ts', seedCount: 3 })
  await expect(failing).rejects.toThrow(
    /^3 is too many\nin 3\nrepeat it with: TENON_HISTORY=\d npx vitest run some\.test\.ts$/,
  )
  expect(tried.length).toBeGreaterThan(1)
})
