import type { MessagePlan } from './message.ts'
import type { MessageSketch, Scenario } from './scenario.ts'

const good = (key: number): MessageSketch => ({ topic: 0, key, plan: { durationMs: 0 } })
const failing = (key: number, failureCount: number): MessageSketch => ({
  topic: 0,
  key,
  plan: { durationMs: 0, failureCount, code: 'unavailable' },
})
const garbage: MessagePlan = { durationMs: 0, isGarbage: true }

/**
 * One of each: a message that fails and is set aside with those that follow it, a dead letter, the word that they are done with, commits, and the hand-over
 * of the partition to another member. Nothing else goes wrong, so that what does is the crash.
 */
export const crashScenario: Scenario = {
  partitionCount: 1,
  concurrency: 16,
  commitIntervalMs: 0,
  maxUncommittedCount: 3,
  maxAttemptCount: 4,
  memberCount: 1,
  orders: ['key'],
  faults: { seed: 1, produceFailurePercent: 0, commitFailurePercent: 0, maxLatencyMs: 0 },
  readFailurePercent: 0,
  isHalting: false,
  steps: [
    {
      do: 'send',
      messages: [failing(0, 5), good(1), good(0), { topic: 0, key: 2, plan: garbage }, good(0), good(1), good(2)],
      thenMs: 60,
    },
    { do: 'join', thenMs: 20 },
    { do: 'send', messages: [good(0), failing(1, 4), good(1), good(2)], thenMs: 40 },
    { do: 'leave', member: 0, thenMs: 20 },
    { do: 'send', messages: [good(0), good(1), good(2)], thenMs: 0 },
  ],
}
