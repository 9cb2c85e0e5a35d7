import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { ProcessGroup } from './process/process-group.ts'

test('finds in processes that more is handled than may come again', { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder()
  const broker = { driver: 'sqlite', target: join(folder, 'queue.db'), sessionTimeoutMs: 6_000 } as const
  const prefix = `planted-${randomBytes(4).toString('hex')}`
  await using group = await ProcessGroup.open({ broker, folder, prefix, plant: 'late_commits' })
  await group.add()
  using load = group.startLoad(200)
  await group.handled(800)
  await load.stop()
  const { violations } = await group.finish()
  expect(new Set(violations.map(({ rule }) => rule))).toEqual(new Set(['beyond_bound']))
})
