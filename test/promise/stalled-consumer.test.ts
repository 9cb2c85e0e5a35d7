import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { fakeClock } from '@tenon/testing'
import { memoryBroker, memoryDriver, type QueueOptions, queueTransport } from '@tenon/transport-queue'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { runFile, temporaryFolder } from '../support/own-process.ts'

const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
const record = { topic: placed.topic, key: Buffer.from('o1'), value: Buffer.from('{"orderId":"o1"}'), headers: [] }

/** A service whose only message is handled until it is released, whatever its signal says, and its probes. */
async function startWedged(options: Partial<QueueOptions>) {
  const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
  const [running, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const count = defineConsumer(
    placed,
    () => async () => {
      running.resolve()
      await release.promise
    },
    { group: 'count' },
  )
  const service = await defineService({
    name: 'count',
    version: '1.0.0',
    handlers: [count],
    transports: () => [queueTransport({ driver, ...options })],
    admin: { port: 0 },
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  await driver.produce([record], { timeoutMs: 1_000 })
  await running.promise
  const { host, port } = service.addresses.find(({ protocol }) => protocol === 'admin') ?? { host: '', port: 0 }
  const probe = async (path: string) => {
    const [response]: IncomingMessage[] = await once(get({ host, port, path, agent: false }), 'response')
    return { status: response?.statusCode, body: JSON.parse(response ? await text(response) : '') as unknown }
  }
  return { service, probe, release: release.resolve }
}

describe('a handler that never ends', () => {
  test.each([
    ['by default', {}, 360_000],
    ['with times of its own, when it was overtaken already', { maxHandlerMs: 1_000, stallAfterMs: 4_000 }, 4_000],
  ])('ends the liveness of its service, %s, until it does', async (_when, options, stallAfterMs) => {
    using clock = fakeClock({ now: '2026-01-01T00:00:00Z' })
    const { service, probe, release } = await startWedged(options)
    for (const quarter of [1, 2, 3]) {
      await clock.advance(stallAfterMs / 4)
      expect([quarter, await probe('/livez'), await probe('/readyz')]).toMatchObject([
        quarter,
        { status: 200 },
        { status: 200 },
      ])
    }
    await clock.advance(stallAfterMs / 2)
    expect(await probe('/livez')).toEqual({ status: 503, body: { status: 'fail' } })
    const since = '2026-01-01T00:00:00.000Z'
    const reason = `partition 0 of ${placed.topic} stands still in group count since ${since}: no handler comes to an end, the oldest message is at offset 0`
    const standstill = { name: 'queue', affects: 'liveness', isPassing: false, message: reason }
    const checks = expect.arrayContaining([standstill]) as object[]
    expect(await probe('/livez?verbose')).toMatchObject({ status: 503, body: { checks } })
    expect(await probe('/livez?exclude=queue')).toMatchObject({ status: 200 })
    expect(await probe('/readyz')).toMatchObject({ status: 200 })
    const consumers = [{ state: 'stalled', stalls: [{ partition: 0, waitsFor: 'handler', offset: 0 }] }]
    expect(await probe('/info')).toMatchObject({ body: { transports: { queue: { consumers } } } })
    release()
    await clock.advance(stallAfterMs / 2)
    expect(await probe('/livez')).toMatchObject({ status: 200 })
    await using _flow = clock.flow()
    await service.stop()
  })
})

describe('a queue that cannot go on', { timeout: 60_000 }, () => {
  test('drains its service, which ends with exit code 1', async () => {
    const path = join(await temporaryFolder(), 'queue.db')
    const fixture = fileURLToPath(new URL('./fixture/failing-queue-service.ts', import.meta.url))
    await using process = runFile(fixture, { QUEUE_PATH: path })
    await once(process.child, 'message')
    const file = new DatabaseSync(path)
    file.exec('DROP TABLE member')
    file.close()
    await process.printed('a transport failed; the service stops')
    process.child.send('go on')
    expect(await process.ended).toBe(1)
    expect(process.output()).toContain('handled to its end')
    expect(process.output()).toContain('the queue file refused: no such table: member')
  })
})
