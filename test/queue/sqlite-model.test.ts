import { test } from 'vitest'
import { playAll } from './model/play-all.ts'
import { scenarios } from './model/scenario.ts'
import { sqliteWorld } from './model/sqlite-world.ts'

const options = { file: 'test/queue/sqlite-model.test.ts', seedCount: 24, parallelCount: 8 }

test('nothing is lost or out of order in a queue file, whatever goes wrong', { timeout: 1_800_000 }, async () => {
  const all = scenarios({ maxStepCount: 12, isOnFakeClock: false })
  await playAll(all, { what: 'queue files', world: sqliteWorld, ...options })
})
