import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommitProgress } from './commit-progress.ts'

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
    const failures: unknown[] = []
    const commit = async () => {
      if (isAway) throw new Error('away')
    }
    const { progress, commits } = open({ commit, failed: (error) => failures.push(error) })
    await progress.advance(1)
    await progress.flush()
    isAway = false
    await progress.flush()
    await progress.flush()
    expect(commits).toEqual([1, 1])
    expect(failures).toHaveLength(1)
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

  it('tells of a commit that was refused, and does not try it again at once', async () => {
    const { progress, commits, refusals } = open({ commit: async () => false })
    await progress.advance(1)
    await progress.flush()
    await progress.flush()
    expect([commits, refusals]).toEqual([[1], [1]])
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

  it('is tried again when it was refused, as long as the partition is not given up', async () => {
    const revoked = new AbortController()
    const { progress, commits, refusals } = open({ revoked: revoked.signal, commit: async () => false })
    await progress.advance(1)
    await progress.flush()
    await vi.advanceTimersByTimeAsync(200)
    revoked.abort()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([commits, refusals]).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ])
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

  it('is left alone when the partition is being given up', async () => {
    const revoked = new AbortController()
    const { progress, commits } = open({ revoked: revoked.signal, commit: () => Promise.reject(new Error('away')) })
    await progress.advance(1)
    revoked.abort()
    await progress.flush()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(commits).toEqual([1])
  })
})

interface OpenOptions {
  readonly intervalMs?: number
  /** False when it is refused. */
  readonly commit?: (nextOffset: number) => Promise<unknown>
  readonly failed?: (error: unknown) => void
  readonly revoked?: AbortSignal
}

function open({ intervalMs = 60_000, commit, failed = () => undefined, revoked = neverFires }: OpenOptions) {
  const commits: number[] = []
  const refusals: number[] = []
  const storedOffsets: number[] = []
  const refused = (nextOffset: number) => void refusals.push(nextOffset)
  const partition = {
    topic: 't',
    partition: 0,
    revoked,
    lost: neverFires,
    fetch: async () => [],
    commit: async (nextOffset: number) => {
      commits.push(nextOffset)
      return (await commit?.(nextOffset)) !== false
    },
  }
  const stored = (nextOffset: number) => void storedOffsets.push(nextOffset)
  const progress = new CommitProgress(partition, { intervalMs, stored, failed, refused })
  return { progress, commits, refusals, storedOffsets }
}

const neverFires = new AbortController().signal

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
