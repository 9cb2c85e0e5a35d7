import type { BatchItem, Call } from '@tenon/core'
import { ServiceError } from '@tenon/core/transport'
import { expect, onTestFinished, test } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import { logInto } from '../../queue-transport.test-harness.ts'
import { nameOf, type Order, ordersOf, senderOf, startBatches } from './batch-service.test-harness.ts'

const batch = { maxCount: 2, maxWaitMs: 0 }
const retry = { initialDelayMs: 0 }

test('a batch whose handler ignores its signal is overtaken: its messages are handled again, and others get its place', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  await senderOf(() => memoryDriver({ broker }), ordersOf('abcd'))
  const wedged = Promise.withResolvers<void>()
  const told: unknown[] = []
  const attempts: string[] = []
  const handle = (items: readonly BatchItem<Order>[]) => {
    for (const { payload, attempt } of items) attempts.push(`${nameOf(payload)}:${attempt}`)
    return attempts.length === 2 ? wedged.promise : undefined
  }
  const consumer = { batch, retry, maxHandlerMs: 10 }
  const { until } = await startBatches(memoryDriver({ broker }), { consumer, handle, log: logInto(told) })
  onTestFinished(() => wedged.resolve())
  await until((seen) => seen.length === 6)
  expect(attempts.slice(0, 2)).toEqual(['a0:1', 'b1:1'])
  expect(attempts.toSorted()).toEqual(['a0:1', 'a0:2', 'b1:1', 'b1:2', 'c2:1', 'd3:1'])
  const lines = told.filter((line) => Array.isArray(line) && String(line.at(-1)).includes('though its time is over'))
  const text = expect.stringContaining('the keys of its batch are not held up any longer')
  expect(lines).toEqual([['error', { peer: expect.stringMatching('/0@0$'), messageCount: 2 }, text]])
})

test('a batch whose partition is lost gives its place back at once, and its handler is told', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const driver = memoryDriver({ broker })
  await senderOf(() => memoryDriver({ broker }), ordersOf('ab'))
  const calls: Call[] = []
  const wedged = Promise.withResolvers<void>()
  const handle = (_items: readonly BatchItem<Order>[], call: Call) => {
    calls.push(call)
    expect(call.signal.aborted).toBe(false)
    return calls.length === 1 ? wedged.promise : undefined
  }
  const { until, batches } = await startBatches(driver, { consumer: { batch }, handle })
  onTestFinished(() => wedged.resolve())
  await until((seen) => seen.length === 2)
  broker.evict(driver)
  await until((seen) => seen.length === 4)
  expect(batches).toEqual([
    ['a0', 'b1'],
    ['a0', 'b1'],
  ])
  expect(calls[0]?.signal.aborted).toBe(true)
})

test('a message of a batch that fails for long is set aside with its key, and comes back with its attempts', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  await senderOf(() => memoryDriver({ broker }), ordersOf(`b${'acd'.repeat(10)}b`))
  const attempts: string[] = []
  let isAway = true
  const handle = (items: readonly BatchItem<Order>[]) => {
    for (const { payload, attempt, fail } of items) {
      if (payload.orderId === 'b') attempts.push(`${nameOf(payload)}:${attempt}`)
      if (payload.orderId === 'b' && isAway) fail(new ServiceError('unavailable', 'away'))
    }
  }
  const queue = { maxUncommittedCount: 6, commitIntervalMs: 0 }
  const consumer = { batch, retry: { initialDelayMs: 100, maxDelayMs: 100 } }
  const { until } = await startBatches(memoryDriver({ broker }), { consumer, handle, queue })
  await until((seen) => seen.filter((name) => !name.startsWith('b')).length === 30)
  isAway = false
  await until((seen) => seen.includes('b31'))
  const last = attempts.findLastIndex((name) => name.startsWith('b0'))
  expect(attempts.slice(0, last + 1)).toEqual(Array.from({ length: last + 1 }, (_, index) => `b0:${index + 1}`))
  expect(attempts.slice(last + 1)).toEqual(['b31:1'])
})

test('messages that were set aside after a failure come back one by one, though they are due together', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  await senderOf(() => memoryDriver({ broker }), ordersOf(`be${'acd'.repeat(10)}`))
  let isAway = true
  const handle = (items: readonly BatchItem<Order>[]) => {
    for (const { payload, fail } of items)
      if ('be'.includes(payload.orderId) && isAway) fail(new ServiceError('unavailable', 'away'))
  }
  const queue = { maxUncommittedCount: 6, commitIntervalMs: 0, random: () => 1 }
  const consumer = { batch: { maxCount: 2, maxWaitMs: 50 }, retry: { initialDelayMs: 100, maxDelayMs: 100 } }
  const { until, batches } = await startBatches(memoryDriver({ broker }), { consumer, handle, queue })
  await until((seen) => seen.filter((name) => 'acd'.includes(name.charAt(0))).length === 30)
  isAway = false
  const beforeCount = batches.length
  await until((seen) =>
    ['b0', 'e1'].every((name) => seen.lastIndexOf(name) >= batches.slice(0, beforeCount).flat().length),
  )
  expect(batches.slice(beforeCount).toSorted(([one = ''], [other = '']) => one.localeCompare(other))).toEqual([
    ['b0'],
    ['e1'],
  ])
})
