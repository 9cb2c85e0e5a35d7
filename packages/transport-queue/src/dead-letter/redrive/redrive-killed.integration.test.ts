import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { sqliteDriver } from '../../driver/sqlite/sqlite-driver.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countsOf, topic } from '../../queue-transport.test-harness.ts'
import { listAudits } from '../audit/list-audits.ts'
import { bury, owner, payloadsIn, selection } from '../dead-letter.test-harness.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'
import { kill } from './redrive-process.test-harness.ts'

const letterCount = 1_000
const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)

it('processes that are killed on their way redrive each letter once, in order, with the one that ends it', async () => {
  const { driver, path } = await openFile()
  for (const count of [1, 20, 40]) {
    const before = await storedCount(driver)
    // So slow that none comes to its end.
    const child = start(path, 50)
    await expect.poll(() => storedCount(driver), { timeout: 30_000 }).toBeGreaterThanOrEqual(before + count)
    await kill(child)
  }
  const last = await redriveDeadLetters(driver, { ...selection, timeoutMs: 500 })
  expect(last.redrivenCount).toBeGreaterThan(0)
  await requireOnceInOrder(driver)
  const audits = await listAudits(driver, owner)
  expect(audits.map(({ result }) => result)).toEqual(['open', 'open', 'open', 'complete'])
})

it('processes that redrive the same letters at a time take over from each other, and each letter goes once', async () => {
  const { driver, path } = await openFile()
  // So slow that it is still at work when the other comes.
  const first = start(path, 20)
  await expect.poll(() => storedCount(driver), { timeout: 30_000 }).toBeGreaterThan(0)
  const second = start(path)
  const codes = await Promise.all(
    [first, second].map(async (child) => (await once(child, 'exit')) as readonly unknown[]),
  )
  // The older one ends with an error, for the newer took its place.
  expect(codes.map(([code]) => code)).toEqual([1, 0])
  await requireOnceInOrder(driver)
  expect((await listAudits(driver, owner)).map(({ result }) => result)).toEqual(['replaced', 'complete'])
})

async function openFile() {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-redrive-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'queue.db')
  const driver = sqliteDriver({ path, partitionCount: 3 })
  await driver.connect({ clientId: 'test' })
  onTestFinished(() => driver.close())
  await bury(
    driver,
    Array.from({ length: letterCount }, (_, index) => ({ key: keys[(index * 7) % keys.length] ?? '' })),
  )
  return { driver, path }
}

function start(path: string, ratePerSecond = 1_000): ChildProcess {
  const file = fileURLToPath(new URL('./redrive.test-process.ts', import.meta.url))
  const child = fork(file, [path, topic, String(ratePerSecond)], {
    execArgv: ['--conditions=@tenon/source'],
    stdio: 'ignore',
  })
  onTestFinished(() => kill(child))
  return child
}

async function storedCount(driver: QueueDriver): Promise<number> {
  const progress = await driver.describe(topic, owner.group)
  return progress.reduce((sum, { nextOffset }) => sum + nextOffset, 0)
}

async function requireOnceInOrder(driver: QueueDriver): Promise<void> {
  const payloads = await payloadsIn(driver)
  const counts = payloads.map(({ count }) => count).toSorted((one, other) => one - other)
  expect(counts).toEqual(Array.from({ length: letterCount }, (_, index) => index))
  for (const key of keys) {
    const ofKey = countsOf(key, payloads)
    expect(ofKey).toEqual(ofKey.toSorted((one, other) => one - other))
  }
}
