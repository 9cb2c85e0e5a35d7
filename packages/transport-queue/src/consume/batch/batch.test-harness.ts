import type { BatchArrival, BatchEndpoint, Outcome } from '@tenon/core/transport'
import type { QueueClock } from '../../wait.ts'
import { QueueCall } from '../queue-call.ts'
import { callFacts } from '../queue-call.test-harness.ts'
import type { MessageStage } from '../watch/consumer-report.ts'
import { Batcher } from './batcher.ts'

/** A clock that stands still until it is moved. */
export function stillClock(): QueueClock & { advance(durationMs: number): void } {
  let now = 0
  const waiting = new Set<() => void>()
  return {
    now: () => now,
    advance(durationMs) {
      now += durationMs
      for (const look of waiting) look()
    },
    wait: (durationMs, signal) =>
      new Promise<void>((resolve) => {
        const dueAt = now + durationMs
        const look = () => {
          if (now < dueAt && !signal.aborted) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        signal.addEventListener('abort', look, { once: true })
        look()
      }),
  }
}

/** Lets all promises go on that can. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A batch that a handler has. */
export interface HandedBatch {
  readonly arrival: BatchArrival
  readonly peers: readonly (string | undefined)[]
  /** What its handler was given; nothing when its call ends before it begins. */
  readonly payloads: readonly unknown[]
  /** Ends it; what is left out succeeds. */
  end(failed?: Readonly<Record<string, Outcome>>): void
}

interface BatcherOptions {
  readonly maxCount: number
  readonly maxWaitMs?: number
  readonly concurrency?: number
  /** What reading gives instead of the value. */
  readonly read?: BatchEndpoint['read']
  /** Whether calls of batches begin, or end while they wait for that. @defaultValue true */
  readonly begins?: boolean
}

/** A batcher whose handler is the test, and a partition of messages for it. */
export function openBatcher({ maxCount, maxWaitMs = 100, concurrency = 1, read, begins = true }: BatcherOptions) {
  const clock = stillClock()
  const handed: HandedBatch[] = []
  const log = { warn: () => undefined }
  const fine: Outcome = { ok: true, value: undefined, callId: 'c', headers: undefined }
  const batch: BatchEndpoint = {
    maxCount,
    maxWaitMs,
    read: read ?? (async (arrival) => ({ ...fine, value: arrival.decode() })),
    dispatch: (arrival) =>
      new Promise((resolve) => {
        const peers = arrival.messages.map((one) => one.arrival.peer)
        const payloads = begins ? arrival.messages.map(({ payload }) => payload) : []
        const end: HandedBatch['end'] = (failed = {}) => {
          resolve(peers.map((peer) => failed[peer ?? ''] ?? fine))
          if (begins) arrival.ended?.()
        }
        handed.push({ arrival, peers, payloads, end })
      }),
  }
  const batcher = new Batcher({
    transport: 'queue',
    handler: 'store',
    log,
    batch,
    concurrency,
    maxHandlerMs: 1_000,
    clock,
  })
  return { batcher, batch, clock, handed, partition: () => openPartition(batcher, batch, clock) }
}

/** A partition that hands its messages over, and what became of each. */
function openPartition(batcher: Batcher, batch: BatchEndpoint, clock: QueueClock) {
  const revoking = new AbortController()
  const stages = new Map<number, MessageStage>()
  const outcomes: string[] = []
  const from = { batch, revoked: revoking.signal, stages }
  revoking.signal.addEventListener('abort', () => batcher.giveUp(revoking.signal))
  const add = (offset: number, { expiresAt = Number.POSITIVE_INFINITY, isAlone = false } = {}) => {
    const record = { topic: 't', partition: 0, offset, timestampAt: 0, key: null, value: null, headers: [] }
    const message = { metadata: {}, notBeforeAt: 0, expiresAt, payload: () => offset }
    const call = new QueueCall(record, {
      ...callFacts,
      message,
      timeoutMs: 1_000,
      beganAt: clock.now(),
      isAlone,
    })
    void batcher.handle(call, from).then((outcome) => {
      outcomes.push(`${offset} ${outcome.ok ? 'ok' : outcome.error.code}`)
      call.leaves()
    })
    return call
  }
  return { add, stages, outcomes, revoke: () => revoking.abort() }
}
