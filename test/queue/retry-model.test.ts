import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { playAll } from './model/play-all.ts'
import { scenarios } from './model/scenario.ts'
import { sqliteWorld } from './model/sqlite-world.ts'

/** So small that messages are set aside. */
const windowCounts = [3, 5, 8]
const file = 'test/queue/retry-model.test.ts'

test('what is set aside is not lost or out of order on the memory broker', { timeout: 1_800_000 }, async () => {
  const { parkedCount } = await playAll(scenarios({ maxStepCount: 30, isOnFakeClock: true, windowCounts }), {
    what: 'set aside on the memory broker',
    world: memoryWorld,
    file,
    seedCount: 200,
  })
  expect(parkedCount).toBeGreaterThan(0)
})

test('what is set aside is not lost or out of order in a queue file', { timeout: 3_600_000 }, async () => {
  const { parkedCount } = await playAll(scenarios({ maxStepCount: 12, isOnFakeClock: false, windowCounts }), {
    what: 'set aside in queue files',
    world: sqliteWorld,
    file,
    seedCount: 50,
    parallelCount: 8,
  })
  expect(parkedCount).toBeGreaterThan(0)
})
