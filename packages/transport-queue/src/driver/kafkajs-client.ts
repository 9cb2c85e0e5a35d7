import type library from 'kafkajs'
import { within } from '../wait.ts'

export type Kafkajs = typeof library

/** Below what kafkajs waits by default, so that broker restarts are seen early; eight tries take about nine seconds. */
export const retry = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 }
/** Bounds `disconnect()`, which waits for ever on a broker that is gone. */
export const disconnectTimeoutMs = 5_000
export const cutDisconnectTimeoutMs = 1_000

/** kafkajs with its defects cured. Loaded when it is first needed: a service on the memory driver does not pay for it. */
export function loadKafkajs(): Promise<Kafkajs> {
  loading ??= import('kafkajs').then(async ({ default: kafkajs }) => {
    await cureIdleTimer()
    return kafkajs
  })
  return loading
}

/** Disconnects, or stops waiting for it. */
export async function disconnect(client: { disconnect(): Promise<void> }, timeoutMs: number): Promise<void> {
  await within(client.disconnect(), timeoutMs, 'still disconnecting').catch(() => undefined)
}

let loading: Promise<Kafkajs> | undefined

/**
 * Every connection of kafkajs sets a timer of negative length over and over, which Node 24 warns of and turns into one of
 * 1 ms. The check it makes is needed only while requests are held back.
 *
 * @see tulios/kafkajs issues 1704 and 1751
 */
async function cureIdleTimer(): Promise<void> {
  // @ts-expect-error kafkajs publishes no types for its inner files
  const { default: RequestQueue } = await import('kafkajs/src/network/requestQueue/index.js')
  const { prototype } = RequestQueue as { prototype: IdleQueue }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function scheduleWhilePending(this: IdleQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}

interface IdleQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(this: IdleQueue): void
}
