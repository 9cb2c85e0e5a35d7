import { expect, test } from 'vitest'
import { fakeClock, logInto } from '../../queue-transport.test-harness.ts'
import { RetryLog } from './retry-log.ts'

const topic = 'orders.retry.user'

function logOf() {
  const told: unknown[] = []
  const open = { unhandledCount: 0 }
  const clock = fakeClock(1_000)
  const log = new RetryLog({ topic, log: logInto(told), clock, open })
  const parked = (count: number) => {
    open.unhandledCount = count
    log.parked()
  }
  return { log, told, clock, parked }
}

test('tells when messages begin to be set aside and when all are done with, and nothing of those between', () => {
  const { told, parked } = logOf()
  for (const count of [0, 1, 2, 1, 0, 0]) parked(count)
  expect(told).toEqual([
    ['info', {}, `messages are set aside in ${topic}`],
    ['info', {}, `all messages that were set aside in ${topic} are done with`],
  ])
})

test('tells how many were gone, where some were, and why what was set aside is not known', () => {
  const { log, told } = logOf()
  const err = new Error('away')
  log.gone(0)
  log.gone(2)
  log.unread(err)
  expect(told).toEqual([
    ['warn', { goneCount: 2 }, `messages that were set aside in ${topic} were gone before they were handled`],
    ['warn', { err }, 'what was set aside could not be read; the partition waits for it'],
  ])
})

test('what comes again and again is told once for a while', async () => {
  const { log, told, clock } = logOf()
  for (let tries = 0; tries < 10; tries++) log.unread(new Error('away'))
  expect(told).toHaveLength(1)
  await clock.wait(3_600_000)
  log.unread(new Error('away'))
  expect(told).toHaveLength(2)
})
