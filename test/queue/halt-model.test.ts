import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { playAll } from './model/play-all.ts'
import type { RunVerdict } from './model/run-scenario.ts'
import { scenarios } from './model/scenario.ts'
import { sqliteWorld } from './model/sqlite-world.ts'

/** So small that what is halted is set aside. */
const windowCounts = [3, 5, 8]
const file = 'test/queue/halt-model.test.ts'

test('keys keep their order behind what is halted and released on the memory broker', {
  timeout: 1_800_000,
}, async () => {
  let releasedCount = 0
  const { parkedCount } = await playAll(
    scenarios({ maxStepCount: 30, isOnFakeClock: true, windowCounts, isHalting: true }),
    {
      what: 'halted on the memory broker',
      world: memoryWorld,
      played: (verdict) => (releasedCount += releasedIn(verdict)),
      file,
      seedCount: 15,
    },
  )
  expect([parkedCount > 0, releasedCount > 0]).toEqual([true, true])
})

test('keys keep their order behind what is halted and released in a queue file', { timeout: 3_600_000 }, async () => {
  await playAll(scenarios({ maxStepCount: 6, isOnFakeClock: false, windowCounts, isHalting: true }), {
    what: 'halted in queue files',
    world: sqliteWorld,
    file,
    seedCount: 6,
    parallelCount: 6,
  })
})

/** How many messages got their attempts anew. */
function releasedIn({ journal }: RunVerdict): number {
  return journal.facts.reduce((sum, fact) => sum + (fact.is === 'released' ? fact.count : 0), 0)
}
