import type { QueueDriver } from '@tenon/transport-queue'
import type { Journal } from '../model/journal.ts'
import { type MessagePlan, toRecord } from '../model/message.ts'

export interface LoadOptions {
  readonly topic: string
  readonly journal: Journal
  readonly perSecond: number
  /** What is to be done with the messages, counted from 0. @defaultValue mixedPlan */
  readonly planOf?: ((index: number) => MessagePlan) | undefined
}

/** Messages of many keys at a steady rate, whatever becomes of them. Disposing it sends no more and waits for nothing. */
export interface Load extends Disposable {
  /** How many the broker has not taken, or has not said so. */
  readonly failedCount: number
  /** Sends no more, and resolves when all sent ones were answered. */
  stop(): Promise<void>
}

export function startLoad(driver: QueueDriver, { topic, journal, perSecond, planOf = mixedPlan }: LoadOptions): Load {
  const sending = new Set<Promise<void>>()
  let count = 0
  let failedCount = 0
  const send = async (index: number) => {
    const name = { key: `k${index % keyCount}`, number: Math.floor(index / keyCount) }
    const record = toRecord({ ...name, topic, isKeyed: true, plan: planOf(index) })
    journal.add({ is: 'sent', ...name })
    try {
      await driver.produce([record], { timeoutMs: sendTimeoutMs })
      journal.add({ is: 'acknowledged', ...name })
    } catch {
      failedCount += 1
    }
  }
  const timer = setInterval(() => {
    const sent = send(count++)
    sending.add(sent)
    void sent.finally(() => sending.delete(sent))
  }, 1_000 / perSecond)
  return {
    get failedCount() {
      return failedCount
    },
    stop: async () => {
      clearInterval(timer)
      await Promise.all(sending)
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/** Of a hundred messages some are slow, some of these deaf, some fail once, and one is given up. */
function mixedPlan(index: number): MessagePlan {
  const kind = kindOf(index)
  const percent = kind % 100
  if (percent === 0) return { durationMs: 0, failureCount: 1, code: 'invalid_argument' }
  if (percent < 5) return { durationMs: 2, failureCount: 1, code: 'internal' }
  if (percent < 10) return { durationMs: 60, isDeaf: true }
  return { durationMs: percent < 30 ? kind % 30 : 0 }
}

/** As `mixedPlan`, and of a hundred messages two fail until many others of their partition have come. */
export function failingPlan(index: number): MessagePlan {
  const percent = kindOf(index) % 100
  if (percent === 50 || percent === 51)
    return { durationMs: 0, failureCount: percent === 50 ? 12 : 40, code: 'unavailable' }
  return mixedPlan(index)
}

/** Anything, but always the same. */
function kindOf(index: number): number {
  return Math.imul(index + 1, 2_654_435_761) >>> 0
}

/** Fewer than the messages of a second, so that keys have a past and a future at any moment. */
const keyCount = 24
/** Longer than a broker takes to come back. */
const sendTimeoutMs = 20_000
