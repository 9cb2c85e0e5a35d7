import { test } from 'vitest'
import { requireKept } from './model/require-kept.ts'
import { memoryWorld } from './model/memory-world.ts'
import { runScenario } from './model/run-scenario.ts'
import { scenarios } from './model/scenario.ts'
import { forEachSeed } from './model/seeds.ts'
import { Tally } from './model/tally.ts'

const options = { file: 'test/queue/memory-model.test.ts', seedCount: 100 }

test('nothing is lost or out of order on the memory broker, whatever goes wrong', { timeout: 600_000 }, async () => {
  const tally = new Tally()
  await forEachSeed(
    scenarios({ maxStepCount: 30, isOnFakeClock: true }),
    async (scenario) => {
      await using world = memoryWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
    },
    options,
  )
  tally.tell('the memory broker')
})
