import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { requireKept } from './model/require-kept.ts'
import { runScenario } from './model/run-scenario.ts'
import { calmScenarios } from './model/scenario.ts'
import { forEachSeed } from './model/seeds.ts'
import { Tally } from './model/tally.ts'

const options = { file: 'test/queue/flow-model.test.ts', seedCount: 10 }

test('a key that fails holds up no other, however many of it follow', { timeout: 600_000 }, async () => {
  const tally = new Tally()
  await forEachSeed(
    calmScenarios(),
    async (scenario) => {
      await using world = memoryWorld(scenario)
      const verdict = await runScenario(scenario, world)
      requireKept(verdict)
      tally.add(verdict)
    },
    options,
  )
  tally.tell('one key that fails')
  expect(tally.parkedCount).toBeGreaterThan(0)
})
