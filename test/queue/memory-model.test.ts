import { test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import { playAll } from './model/play-all.ts'
import { scenarios } from './model/scenario.ts'

const options = { file: 'test/queue/memory-model.test.ts', seedCount: 100 }

test('nothing is lost or out of order on the memory broker, whatever goes wrong', { timeout: 600_000 }, async () => {
  const all = scenarios({ maxStepCount: 30, isOnFakeClock: true })
  await playAll(all, { what: 'the memory broker', world: memoryWorld, ...options })
})
