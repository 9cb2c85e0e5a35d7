import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommitProgress, type LostCommit } from './commit-progress.ts'

describe('CommitProgress', () => {
  it('commits each outcome on its own when it may wait for none', async () => {
    const { progress, commits } = open({ intervalMs: 0 })
    await progress.advance(1)
    await progress.advance(2)
    expect(commits).toEqual([1, 2])
  })

  it('commits what is done with while something else still runs', async () => {
    const committed = Promise.withResolvers<number>()
    const { progress } = open({ intervalMs: 1, commit: async (nextOffset) => committed.resolve(nextOffset) })
    await progress.advance(1)
    await progress.advance(2)
    expect(await committed.promise).toBe(2)
    await progress.flush()
  })

  it('has one commit under way, and one after it for all that came meanwhile', async () => {
    const answers: (() => void)[] = []
    const { progress, commits } = open({ commit: () => new Promise<void>((resolve) => void answers.push(resolve)) })
    await progress.advance(1)
    const first = progress.flush()
    await turn()
    await progress.advance(2)
    const second = progress.flush()
    await progress.advance(3)
    const third = progress.flush()
    answers[0]?.()
    await first
    await turn()
    expect(commits).toEqual([1, 3])
    answers[1]?.()
    await Promise.all([second, third])
  })

  it('commits again what could not be committed, and nothing twice that was', async () => {
    let isAway = true
    const commit = async () => {
      if (isAway) throw new Error('away')
    }
    const { progress, commits, lost } = open({ commit })
    await progress.advance(1)
    await progress.flush()
    isAway = false
    await progress.flush()
    await progress.flush()
    expect(commits).toEqual([1, 1])
    expect(lost).toEqual([{ nextOffset: 1, error: new Error('away'), isTriedAgain: true }])
  })

  it('is hurried only when none is under way', async () => {
    const answers: (() => void)[] = []
    const { progress, commits } = open({ commit: () => new Promise<void>((resolve) => void answers.push(resolve)) })
    await progress.advance(1)
    progress.hurry()
    progress.hurry()
    await turn()
    await progress.advance(2)
    progress.hurry()
    answers[0]?.()
    await turn()
    expect(commits).toEqual([1])
    progress.hurry()
    await turn()
    answers[1]?.()
    expect(commits).toEqual([1, 2])
  })

  it('commits again what was refused, however soon the partition is given up', async () => {
    let isBetween = true
    const { progress, commits, lost, storedOffsets } = open({ commit: async () => !isBetween })
    await progress.advance(1)
    await progress.flush()
    isBetween = false
    progress.hasten()
    await progress.end()
    expect([commits, storedOffsets]).toEqual([[1, 1], [1]])
    expect(lost).toEqual([{ nextOffset: 1, isTriedAgain: true }])
  })

  it('tells of what is not tried again, which is the last only', async () => {
    const { progress, commits, lost } = open({ commit: async () => false })
    await progress.advance(1)
    progress.hasten()
    await turn()
    progress.hasten()
    await progress.end()
    expect(commits).toEqual([1, 1])
    expect(lost.map(({ isTriedAgain }) => isTriedAgain)).toEqual([true, false])
  })

  it('tries what fails while the end waits for it once more', async () => {
    const first = Promise.withResolvers<boolean>()
    const { progress, commits, lost } = open({ commit: () => (commits.length === 1 ? first.promise : turn()) })
    await progress.advance(1)
    progress.hasten()
    await turn()
    const end = progress.end()
    first.resolve(false)
    await end
    expect([commits, lost]).toEqual([[1, 1], [{ nextOffset: 1, isTriedAgain: true }]])
  })
})

describe('a commit that failed', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is tried again though no other message comes', async () => {
    let failuresLeft = 2
    const { progress, commits } = open({
      intervalMs: 0,
      commit: async () => {
        if (failuresLeft-- > 0) throw new Error('away')
      },
    })
    await progress.advance(1)
    await vi.advanceTimersByTimeAsync(400)
    expect(commits).toEqual([1, 1, 1])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is tried again long before an interval is over, and is not hurried before', async () => {
    let failuresLeft = 1
    const { progress, commits, storedOffsets } = open({
      commit: async () => {
        if (failuresLeft-- > 0) throw new Error('away')
      },
    })
    await progress.advance(1)
    await progress.flush()
    await progress.advance(2)
    progress.hurry()
    await vi.advanceTimersByTimeAsync(199)
    expect(commits).toEqual([1])
    await vi.advanceTimersByTimeAsync(1)
    expect([commits, storedOffsets]).toEqual([[1, 2], [2]])
  })

  it('is tried again when it was refused, until it is the last', async () => {
    const { progress, commits, lost } = open({ commit: async () => false })
    await progress.advance(1)
    await progress.flush()
    await vi.advanceTimersByTimeAsync(200)
    await progress.end()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(commits).toEqual([1, 1, 1])
    expect(lost.map(({ isTriedAgain }) => isTriedAgain)).toEqual([true, true, false])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is tried again from when each outcome is committed at once, though no other comes', async () => {
    let refusalsLeft = 3
    const { progress, commits, storedOffsets } = open({ commit: async () => refusalsLeft-- <= 0 })
    await progress.advance(1)
    await progress.flush()
    progress.hasten()
    await vi.advanceTimersByTimeAsync(400)
    expect([commits, storedOffsets]).toEqual([[1, 1, 1, 1], [1]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not tried again when a later one was stored meanwhile, which would go back', async () => {
    const first = Promise.withResolvers<void>()
    const { progress, commits } = open({
      commit: (nextOffset) => (nextOffset === 1 ? first.promise : Promise.resolve()),
    })
    await progress.advance(1)
    void progress.flush()
    await vi.advanceTimersByTimeAsync(0)
    await progress.advance(2)
    const second = progress.flush()
    first.reject(new Error('away'))
    await second
    await vi.advanceTimersByTimeAsync(60_000)
    expect(commits).toEqual([1, 2])
    expect(vi.getTimerCount()).toBe(0)
  })
})

interface OpenOptions {
  readonly intervalMs?: number
  /** False when it is refused. */
  readonly commit?: (nextOffset: number) => Promise<unknown>
}

function open({ intervalMs = 60_000, commit }: OpenOptions) {
  const commits: number[] = []
  const lost: LostCommit[] = []
  const storedOffsets: number[] = []
  const partition = {
    topic: 't',
    partition: 0,
    revoked: neverFires,
    lost: neverFires,
    startOffset: async () => 0,
    fetch: async () => [],
    commit: async (nextOffset: number) => {
      commits.push(nextOffset)
      return (await commit?.(nextOffset)) !== false
    },
    commitBeside: async () => false,
  }
  const progress = new CommitProgress(partition, {
    intervalMs,
    stored: (nextOffset) => void storedOffsets.push(nextOffset),
    notStored: (commit) => void lost.push(commit),
  })
  return { progress, commits, lost, storedOffsets }
}

const neverFires = new AbortController().signal

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
