import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { requireKept } from './model/require-kept.ts'
import { type RunVerdict, runScenario } from './model/run-scenario.ts'
import { scenarios } from './model/scenario.ts'
import { forEachSeed } from './model/seeds.ts'
import { sqliteWorld } from './model/sqlite-world.ts'
import { Tally } from './model/tally.ts'

/** So small that what is halted is set aside. */
const windowCounts = [3, 5, 8]
const file = 'test/queue/halt-model.test.ts'

test('keys keep their order behind what is halted and released on the memory broker', {
  timeout: 1_800_000,
}, async () => {
  const tally = new Tally()
  let releasedCount = 0
  await forEachSeed(
    scenarios({ maxStepCount: 30, isOnFakeClock: true, windowCounts, isHalting: true }),
    async (scenario) => {
      await using world = memoryWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
      releasedCount += releasedIn(verdict)
    },
    { file, seedCount: 15 },
  )
  tally.tell('halted on the memory broker')
  expect([tally.parkedCount > 0, releasedCount > 0]).toEqual([true, true])
})

test('keys keep their order behind what is halted and released in a queue file', { timeout: 3_600_000 }, async () => {
  const tally = new Tally()
  await forEachSeed(
    scenarios({ maxStepCount: 6, isOnFakeClock: false, windowCounts, isHalting: true }),
    async (scenario) => {
      await using world = await sqliteWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
    },
    { file, seedCount: 6, parallelCount: 6 },
  )
  tally.tell('halted in queue files')
})

/** How many messages got their attempts anew. */
function releasedIn({ journal }: RunVerdict): number {
  return journal.facts.reduce((sum, fact) => sum + (fact.is === 'released' ? fact.count : 0), 0)
}
