import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type Handle, seeded, start, type StartOptions, toRecord } from '../queue-transport.test-harness.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
/** A clock that stands still. */
const clock = {
  now: () => now,
  wait: (_durationMs: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
}

/** What the report says of the one message of a partition. */
async function reportOf(handle: Handle, headers: Readonly<Record<string, string>>, options: StartOptions = {}) {
  const broker = await seeded([toRecord('{"orderId":"k","count":0}', 'k', headers)])
  const { transport } = await start(broker, handle, { clock, random: () => 1, ...options })
  return async () => (await transport.consumers())[0]?.oldest
}

const fail = async () => {
  throw new ServiceError('unavailable', 'away')
}
const place = { partition: 0, offset: 0 }

test('a message that runs says since when', async () => {
  const oldest = await reportOf(() => new Promise(() => undefined), {})
  await expect.poll(oldest).toEqual([{ ...place, stage: 'running', sinceAt: now }])
})

test('a message that is held back says until when', async () => {
  const oldest = await reportOf(fail, { 'tenon-not-before': '2026-01-01T00:01:00Z' })
  await expect.poll(oldest).toEqual([{ ...place, stage: 'held', untilAt: now + 60_000 }])
})

test('a message that failed says how often, with what, and when it is handled again', async () => {
  const oldest = await reportOf(fail, {})
  const expected = { ...place, stage: 'retried', attemptCount: 1, code: 'unavailable', untilAt: now + 200 }
  await expect.poll(oldest).toEqual([expected])
})

test('a message that is being stored as a dead letter says since when', async () => {
  const broker = await seeded([toRecord('{')])
  const driver = Object.assign(memoryDriver({ broker }), { produce: () => Promise.reject(new Error('away')) })
  const { transport } = await start(broker, fail, { clock, driver })
  const oldest = async () => (await transport.consumers())[0]?.oldest
  await expect.poll(oldest).toEqual([{ ...place, stage: 'buried', sinceAt: now }])
})
