import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Call, defineConsumer, defineService } from '@tenon/core'
import { bytes, event, int64 } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { sqliteDriver } from '../driver/sqlite/sqlite-driver.ts'
import type { QueueOptions } from '../queue-options.ts'
import { queueTransport } from '../queue-transport.ts'
import { fakeClock } from '../queue-transport.test-harness.ts'
import { outcomeOf, placed, publisherOn } from './publisher.test-harness.ts'

const stored = event('shop.file.stored.v1', { key: 'id', payload: Type.Object({ id: int64(), data: bytes() }) })
const file = { id: 2n ** 60n, data: Uint8Array.of(0, 255) }

describe('what is published', () => {
  it.each(['binary', 'structured'] as const)(
    'in %s mode reaches its consumer with all that was said of it',
    async (mode) => {
      const { publisher, next } = await consuming(stored, { mode })
      await publisher.publish(stored, file, { id: 'same', headers: { 'x-tenant': 'acme' }, expiresAfterMs: 60_000 })
      const { payload, call } = await next()
      expect(payload).toEqual(file)
      expect(call.metadata).toMatchObject({
        'content-type': 'application/json',
        'x-tenant': 'acme',
        ce_id: 'same',
        ce_source: 'order',
        ce_type: 'shop.file.stored.v1',
        ce_subject: String(2n ** 60n),
      })
    },
  )

  it('with a delay is held back that long', async () => {
    const clock = fakeClock(Date.parse('2026-01-31T12:00:00Z'))
    const { publisher, next } = await consuming(stored, { clock })
    await publisher.publish(stored, file, { delayMs: 90_000 })
    await next()
    expect(clock.now()).toBeGreaterThanOrEqual(Date.parse('2026-01-31T12:01:30Z'))
  })

  it('twice with one id is told apart from another by it', async () => {
    const { publisher, next } = await consuming(stored, {})
    for (const id of ['a', 'a', 'b']) await publisher.publish(stored, file, { id })
    const ids = [await next(), await next(), await next()].map(({ call }) => call.metadata['ce_id'])
    expect(ids).toEqual(['a', 'a', 'b'])
  })
})

describe('a message too large for the queue in a file', () => {
  it('is refused as internal, names its size to the log, and holds up no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenon-publish-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const driver = sqliteDriver({ path: join(folder, 'queue.db'), maxRecordBytes: 2_048 })
    await driver.connect({ clientId: 'order' })
    onTestFinished(() => driver.close())
    const publisher = publisherOn(driver)
    const headers = { 'x-note': 'n'.repeat(2_048) }
    const refused = outcomeOf(publisher.publish(placed, { orderId: 'o1', count: 1 }, { headers }))
    const taken = outcomeOf(publisher.publish(placed, { orderId: 'o1', count: 2 }))
    expect(await refused).toMatchObject({
      code: 'internal',
      message: 'a message was refused by its broker',
      cause: {
        message: expect.stringMatching(
          /^a message of 2\d{3} bytes for topic shop\.order\.placed\.v1 was not taken by the queue file/,
        ),
        cause: { cause: { message: expect.stringContaining('exceeds maxRecordBytes, 2048') } },
      },
    })
    expect(await taken).toBe('published')
  })
})

/** A publisher, and the messages that a consumer gets of it, in their order. */
async function consuming(of: typeof stored, options: Partial<QueueOptions>) {
  const broker = memoryBroker({ partitionCount: 1 })
  const seen: { readonly payload: unknown; readonly call: Call }[] = []
  const watchers = new Set<() => void>()
  const consumer = defineConsumer(of, () => async (payload, call) => {
    seen.push({ payload, call })
    for (const watcher of watchers) watcher()
  })
  const started = await defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [consumer],
    transports: () => [queueTransport({ driver: memoryDriver({ broker }), ...options })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  onTestFinished(async () => void (await started.stop()))
  const next = async () => {
    for (;;) {
      const message = seen.shift()
      if (message) return message
      await new Promise<void>((resolve) => watchers.add(resolve))
    }
  }
  return { publisher: publisherOn(memoryDriver({ broker }), options), next }
}
