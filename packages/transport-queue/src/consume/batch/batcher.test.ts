import { type Outcome, ServiceError } from '@tenon/core/transport'
import { describe, expect, test } from 'vitest'
import { openBatcher, settled } from './batch.test-harness.ts'

const failure: Outcome = { ok: false, error: new ServiceError('aborted', 'no'), callId: 'c', headers: undefined }

describe('a batch is handed over', () => {
  test('when it is full, in the order in which its messages came', async () => {
    const { partition, handed } = openBatcher({ maxCount: 3 })
    const { add, outcomes } = partition()
    for (let offset = 0; offset < 4; offset += 1) add(offset)
    await settled()
    expect(handed.map(({ peers }) => peers)).toEqual([['t/0@0', 't/0@1', 't/0@2']])
    handed[0]?.end({ 't/0@1': failure })
    await settled()
    expect(outcomes).toEqual(['0 ok', '1 aborted', '2 ok'])
  })

  test('when its first message has waited, together with those of other partitions', async () => {
    const { partition, handed, clock } = openBatcher({ maxCount: 9 })
    const [one, other] = [partition(), partition()]
    one.add(0)
    await settled()
    clock.advance(60)
    other.add(7)
    await settled()
    expect([...one.stages, ...other.stages]).toEqual([
      [0, { stage: 'gathered', untilAt: 100 }],
      [7, { stage: 'gathered', untilAt: 100 }],
    ])
    clock.advance(39)
    await settled()
    expect(handed).toEqual([])
    clock.advance(1)
    await settled()
    expect(handed.map(({ peers, arrival }) => [peers, arrival.timeoutMs])).toEqual([[['t/0@0', 't/0@7'], 1_000]])
    expect([...one.stages, ...other.stages]).toEqual([])
  })

  test('when it is let, where it was due while nothing was to begin', async () => {
    const { partition, handed, batcher, clock } = openBatcher({ maxCount: 3 })
    const { add } = partition()
    add(0)
    await settled()
    batcher.hold()
    clock.advance(100)
    add(1)
    add(2)
    await settled()
    expect(handed).toEqual([])
    batcher.resume()
    await settled()
    expect(handed.map(({ peers }) => peers)).toEqual([['t/0@0', 't/0@1', 't/0@2']])
  })

  test('at once when it is flushed, and the next one waits again', async () => {
    const { partition, handed, batcher, clock } = openBatcher({ maxCount: 9, concurrency: 2 })
    const { add } = partition()
    batcher.flush()
    add(0)
    await settled()
    expect(handed).toHaveLength(0)
    batcher.flush()
    add(1)
    await settled()
    expect(handed.map(({ peers }) => peers.length)).toEqual([1])
    clock.advance(100)
    await settled()
    expect(handed.map(({ peers }) => peers.length)).toEqual([1, 1])
  })

  test('with all that is being read where nothing more can come', async () => {
    const { partition, handed, batcher } = openBatcher({ maxCount: 9 })
    const { add } = partition()
    add(0)
    add(1)
    batcher.flushWhenRead()
    await settled()
    expect(handed.map(({ peers }) => peers.length)).toEqual([2])
  })

  test('with what is there from the moment on that its service ends', async () => {
    const { partition, handed, batcher, clock } = openBatcher({ maxCount: 9, concurrency: 2 })
    const { add } = partition()
    add(0)
    await settled()
    batcher.hasten()
    add(1)
    add(2)
    await settled()
    clock.advance(0)
    await settled()
    expect(handed.map(({ peers }) => peers.length)).toEqual([1, 2])
  })
})

describe('places', () => {
  test('are as many as batches at a time; one that is due meanwhile goes on being filled', async () => {
    const { partition, handed, batcher, clock } = openBatcher({ maxCount: 3 })
    const { add } = partition()
    add(0)
    await settled()
    clock.advance(100)
    add(1)
    await settled()
    clock.advance(100)
    add(2)
    await settled()
    expect([handed.length, batcher.areTaken]).toEqual([1, true])
    handed[0]?.end()
    await settled()
    expect(handed.map(({ peers }) => peers.length)).toEqual([1, 2])
  })

  test('are given in the order in which batches were due, also to messages that are handled alone', async () => {
    const { partition, handed, clock } = openBatcher({ maxCount: 2 })
    const { add } = partition()
    add(0, { isAlone: true })
    add(1)
    await settled()
    expect(handed.map(({ peers }) => peers)).toEqual([['t/0@0']])
    clock.advance(100)
    await settled()
    add(2, { isAlone: true })
    await settled()
    add(3)
    for (let count = 1; count <= 3; count += 1) {
      await settled()
      handed.at(-1)?.end()
    }
    expect(handed.map(({ peers }) => peers)).toEqual([['t/0@0'], ['t/0@1', 't/0@3'], ['t/0@2']])
  })

  test('come free when the last message has left, and full batches are next in their order', async () => {
    const { partition, handed } = openBatcher({ maxCount: 1 })
    const { add } = partition()
    for (let offset = 0; offset < 3; offset += 1) add(offset)
    for (let count = 1; count <= 3; count += 1) {
      await settled()
      expect(handed.map(({ peers }) => peers[0])).toEqual(['t/0@0', 't/0@1', 't/0@2'].slice(0, count))
      handed.at(-1)?.end()
    }
  })
})

test('a message that cannot be read is in no batch, and has its outcome at once', async () => {
  const { partition, handed, clock } = openBatcher({
    maxCount: 9,
    read: async (arrival) => (arrival.decode() === 0 ? failure : { ...failure, ok: true, value: 1 }),
  })
  const { add, outcomes } = partition()
  add(0)
  add(1)
  await settled()
  expect(outcomes).toEqual(['0 aborted'])
  clock.advance(100)
  await settled()
  expect(handed.map(({ peers }) => peers)).toEqual([['t/0@1']])
})

test('a message that has no use any more when its batch begins is in none', async () => {
  const { partition, handed, clock } = openBatcher({ maxCount: 9 })
  const { add, outcomes } = partition()
  add(0, { expiresAt: 100 })
  add(1, { expiresAt: 101 })
  await settled()
  clock.advance(100)
  await settled()
  expect([outcomes, handed.map(({ peers }) => peers)]).toEqual([['0 deadline_exceeded'], [['t/0@1']]])
})

describe('a partition that is given up', () => {
  test('has its messages handled at once where there is a place', async () => {
    const { partition, handed } = openBatcher({ maxCount: 9 })
    const { add, revoke } = partition()
    add(0)
    await settled()
    revoke()
    await settled()
    expect(handed).toHaveLength(1)
  })

  test('gets those back that have none, and those that are still being read; others stay', async () => {
    const { partition, handed, clock } = openBatcher({ maxCount: 2 })
    const [one, other] = [partition(), partition()]
    for (const offset of [0, 1, 2, 3, 4]) one.add(offset)
    await settled()
    other.add(5)
    await settled()
    one.add(6)
    one.revoke()
    await settled()
    expect(one.outcomes.toSorted()).toEqual(['2 unavailable', '3 unavailable', '4 unavailable', '6 unavailable'])
    handed[0]?.end()
    await settled()
    clock.advance(100)
    await settled()
    expect(handed.map(({ peers }) => peers)).toEqual([['t/0@0', 't/0@1'], ['t/0@5']])
  })

  test('ends the batch when all messages are lost, and leaves it alone before', async () => {
    const { partition, handed } = openBatcher({ maxCount: 2 })
    const { add } = partition()
    const calls = [add(0), add(1)]
    await settled()
    calls[0]?.abandon()
    expect(handed[0]?.arrival.signal?.aborted).toBe(false)
    calls[1]?.abandon()
    expect(handed[0]?.arrival.signal?.aborted).toBe(true)
  })

  test('keeps a message out of its batch that is lost before it begins', async () => {
    const { partition, handed, clock } = openBatcher({ maxCount: 9 })
    const { add } = partition()
    add(0).abandon()
    add(1)
    await settled()
    clock.advance(100)
    await settled()
    expect(handed.map(({ peers }) => peers)).toEqual([['t/0@1']])
  })
})

test('a message is with no handler while it waits, and with that of its batch from then on', async () => {
  const { partition, handed, clock } = openBatcher({ maxCount: 9 })
  const { add } = partition()
  const call = add(0)
  await settled()
  expect(call.isWaiting).toBe(true)
  clock.advance(100)
  await settled()
  expect([call.isWaiting, call.beganAt]).toEqual([false, 100])
  let isQuiet = false
  void call.quiet.then(() => (isQuiet = true))
  await settled()
  expect(isQuiet).toBe(false)
  handed[0]?.end()
  await settled()
  expect(isQuiet).toBe(true)
})

test('a batch whose call ended before it began is worked on by nobody, though nothing says that it ended', async () => {
  const { partition, handed } = openBatcher({ maxCount: 2, begins: false })
  const { add, outcomes } = partition()
  const calls = [add(0), add(1)]
  await settled()
  const late: Outcome = { ...failure, error: new ServiceError('deadline_exceeded', 'late') }
  handed[0]?.end({ 't/0@0': late, 't/0@1': late })
  await settled()
  expect(outcomes).toEqual(['0 deadline_exceeded', '1 deadline_exceeded'])
  let quietCount = 0
  for (const call of calls) void call.quiet.then(() => (quietCount += 1))
  await settled()
  expect(quietCount).toBe(2)
})
