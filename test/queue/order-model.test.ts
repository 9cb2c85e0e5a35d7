import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { playAll } from './model/play-all.ts'
import { type Scenario, scenarios } from './model/scenario.ts'
import { sqliteWorld } from './model/sqlite-world.ts'

/** So small that messages are set aside, where they may be. */
const windowCounts = [3, 5, 8]
const file = 'test/queue/order-model.test.ts'

/**
 * Members of several orders are those of a release that changes it, and of one that changes it back. What a zombie sets aside though it is
 * fenced is there for longer where nobody reads on, and may come once more in the end (0050): none is played among those.
 */
const cases: readonly (readonly [what: string, orders: Scenario['orders'], isSetAside: boolean])[] = [
  ['partitions keep their order, and nothing is set aside', ['partition'], false],
  ['nothing is lost without an order', ['none'], true],
  ['keys keep their order through a change to that of partitions and back', ['key', 'partition'], true],
  ['nothing is lost by changes of the order', ['none', 'partition', 'key'], true],
]

test.each(cases)('%s, on the memory broker', { timeout: 1_800_000 }, async (what, orders, isSetAside) => {
  const hasZombies = orders.length === 1
  const { parkedCount } = await playAll(
    scenarios({ maxStepCount: 30, isOnFakeClock: true, hasZombies, windowCounts, orders }),
    { what, world: memoryWorld, file, seedCount: 12 },
  )
  expect(parkedCount > 0).toBe(isSetAside)
})

test('keys keep their order through changes in a queue file', { timeout: 3_600_000 }, async () => {
  await playAll(scenarios({ maxStepCount: 8, isOnFakeClock: false, windowCounts, orders: ['key', 'partition'] }), {
    what: 'changes of the order in queue files',
    world: sqliteWorld,
    file,
    seedCount: 8,
    parallelCount: 8,
  })
})
