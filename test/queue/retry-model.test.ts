import { expect, test } from 'vitest'
import { requireKept } from './model/require-kept.ts'
import { memoryWorld } from './model/memory-world.ts'
import { runScenario } from './model/run-scenario.ts'
import { scenarios } from './model/scenario.ts'
import { forEachSeed } from './model/seeds.ts'
import { sqliteWorld } from './model/sqlite-world.ts'
import { Tally } from './model/tally.ts'

/** So small that messages are set aside. */
const windowCounts = [3, 5, 8]
const file = 'test/queue/retry-model.test.ts'

test('what is set aside is not lost or out of order on the memory broker', { timeout: 1_800_000 }, async () => {
  const tally = new Tally()
  await forEachSeed(
    scenarios({ maxStepCount: 30, isOnFakeClock: true, windowCounts }),
    async (scenario) => {
      await using world = memoryWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
    },
    { file, seedCount: 200 },
  )
  tally.tell('set aside on the memory broker')
  expect(tally.parkedCount).toBeGreaterThan(0)
})

test('what is set aside is not lost or out of order in a queue file', { timeout: 3_600_000 }, async () => {
  const tally = new Tally()
  await forEachSeed(
    scenarios({ maxStepCount: 12, isOnFakeClock: false, windowCounts }),
    async (scenario) => {
      await using world = await sqliteWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
    },
    { file, seedCount: 50, parallelCount: 8 },
  )
  tally.tell('set aside in queue files')
  expect(tally.parkedCount).toBeGreaterThan(0)
})
