import { test } from 'vitest'
import { requireKept } from './model/require-kept.ts'
import { runScenario } from './model/run-scenario.ts'
import { scenarios } from './model/scenario.ts'
import { forEachSeed } from './model/seeds.ts'
import { Tally } from './model/tally.ts'
import { sqliteWorld } from './model/sqlite-world.ts'

const options = { file: 'test/queue/sqlite-model.test.ts', seedCount: 24, parallelCount: 8 }

test('nothing is lost or out of order in a queue file, whatever goes wrong', { timeout: 1_800_000 }, async () => {
  const tally = new Tally()
  await forEachSeed(
    scenarios({ maxStepCount: 12, isOnFakeClock: false }),
    async (scenario) => {
      await using world = await sqliteWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
    },
    options,
  )
  tally.tell('queue files')
})
