import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { playAll } from './model/play-all.ts'
import { calmScenarios } from './model/scenario.ts'

const options = { file: 'test/queue/flow-model.test.ts', seedCount: 10 }

test('a key that fails holds up no other, however many of it follow', { timeout: 600_000 }, async () => {
  const { parkedCount } = await playAll(calmScenarios(), {
    what: 'one key that fails',
    world: memoryWorld,
    ...options,
  })
  expect(parkedCount).toBeGreaterThan(0)
})
