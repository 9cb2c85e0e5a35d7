import { setTimeout as wait } from 'node:timers/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Figure } from '../figure.ts'
import { spreadOf } from '../statistic.ts'
import type { Child } from '../child.ts'
import { groupOf, startTurns, type TurnProgram } from './queue-turns.ts'

const idleMs = 30_000
/** For what is still settled after a consumer has joined. A guess. */
const settleMs = 2_000
/** Windows that count; more of them would say nothing new. */
const mostWindowCount = 3
const targetPercent = 0.5

/** The share of a core that a consumer takes while nobody sends anything: all of them at the same time. */
export async function measureIdle(
  topic: string,
  programs: readonly TurnProgram[],
  roundCount: number,
): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'))
  const file = { BENCH_FILE: join(folder, 'queue.db') }
  try {
    await using children = new AsyncDisposableStack()
    const running: Child[] = []
    for (const { path, environment } of programs) {
      const child = children.use(await startTurns(path, topic, { ...file, ...environment }))
      await child.begin({ topic, group: groupOf(topic), messageCount: Number.MAX_SAFE_INTEGER })
      running.push(child)
    }
    await wait(settleMs)
    const windows: (readonly number[])[] = []
    while (windows.length < Math.min(roundCount, mostWindowCount)) windows.push(await measureWindow(running))
    return programs.map(({ name }, index) => ({
      name: `idle: ${name}`,
      unit: '% CPU',
      spread: spreadOf(windows.map((percents) => percents[index] ?? Number.NaN)),
      ...(name.startsWith('Tenon') && { target: targetPercent }),
    }))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function measureWindow(running: readonly Child[]): Promise<readonly number[]> {
  const cpuOf = () => Promise.all(running.map(async (child) => (await child.usage()).cpuMicroseconds))
  const before = await cpuOf()
  await wait(idleMs)
  const after = await cpuOf()
  return after.map((microseconds, index) => (microseconds - (before[index] ?? 0)) / idleMs / 10)
}
