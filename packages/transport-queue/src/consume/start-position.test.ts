import { defineConsumer, defineService, type StartPosition } from '@tenon/core'
import { event, type Payload } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../driver/sqlite-file/sqlite-database.ts'
import { sqliteDriver } from '../driver/sqlite/sqlite-driver.ts'
import type { QueueDriver } from '../queue-driver.ts'
import { connected, embeddedDrivers, newQueuePath, warnings } from '../queue-driver.test-harness.ts'
import { queueTransport } from '../queue-transport.ts'

const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
const { topic } = placed
const base = Date.now() - 60_000

describe.each(embeddedDrivers)('the start of a group on %s', (_name, newBroker) => {
  it.each([
    [undefined, ['a', 'b', 'c', 'new']],
    ['earliest', ['a', 'b', 'c', 'new']],
    ['latest', ['new']],
    [{ at: new Date(base + 1_000) }, ['b', 'c', 'new']],
    [{ at: new Date(base + 2_000).toISOString() }, ['c', 'new']],
  ] as const)('%j is where it begins, and nothing that comes after it is ready is missed', async (start, expected) => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 1 }])
    for (const [index, id] of ['a', 'b', 'c'].entries()) await send(sender, id, base + index * 1_000)
    const { seen, until } = await serve(newDriver(), start)
    await send(sender, 'new')
    await until('new')
    expect(seen).toEqual(expected)
  })

  it('holds though the process ends before it has committed anything', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 2 }])
    await send(sender, 'old')
    const first = await serve(newDriver(), 'latest')
    await first.stop()
    await send(sender, 'between')
    const second = await serve(newDriver(), 'latest')
    await second.until('between')
    expect(second.seen).toEqual(['between'])
  })
})

describe('the start of a group', () => {
  it('is told, with how many messages were missed, when what was committed is gone', async () => {
    const path = newQueuePath()
    const newDriver = () => sqliteDriver({ path, partitionCount: 1 })
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 1 }])
    const first = await serve(newDriver(), 'latest')
    await first.stop()
    for (const id of ['1', '2', '3', '4']) await send(sender, id)
    const file = openDatabase(path)
    file.execute(`DELETE FROM record WHERE record_id & 0xffffffffff < 3; UPDATE log SET first_offset = 3`)
    file.close()
    const { log, told } = warnings()
    const facts: object[] = []
    const { warn } = log
    const noting = (given: object, text: string) => {
      facts.push(given)
      warn.call(log, given, text)
    }
    Object.assign(log, { warn: noting })
    const second = await serve(newDriver(), 'latest', log)
    await second.until('4')
    expect(second.seen).toEqual(['4'])
    expect(told).toEqual(['messages were gone before they were handled; goes on at the oldest'])
    expect(facts).toMatchObject([{ topic, partition: 0, offset: 0, missedCount: 3 }])
  })
})

/** A service with one consumer. */
async function serve(driver: QueueDriver, start: StartPosition | undefined, log?: ReturnType<typeof warnings>['log']) {
  const seen: string[] = []
  const waiting = new Map<string, () => void>()
  const handle = ({ orderId }: Payload<typeof placed>) => {
    seen.push(orderId)
    waiting.get(orderId)?.()
  }
  const transport = queueTransport({ driver })
  const bind = transport.bind.bind(transport)
  if (log) Object.assign(transport, { bind: (host: Parameters<typeof bind>[0]) => bind({ ...host, log }) })
  const service = defineService({
    name: 'shop',
    version: '1.0.0',
    admin: false,
    handlers: [defineConsumer(placed, () => handle, start === undefined ? {} : { start })],
    transports: () => [transport],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const stop = async () => void (await started.stop())
  onTestFinished(stop)
  const until = (id: string) =>
    new Promise<void>((resolve) => {
      waiting.set(id, resolve)
      if (seen.includes(id)) resolve()
    })
  return { seen, until, stop }
}

async function send(driver: QueueDriver, orderId: string, timestampAt?: number): Promise<void> {
  const value = Buffer.from(JSON.stringify({ orderId }))
  const record = { topic, key: Buffer.from('k'), value, headers: [], ...(timestampAt !== undefined && { timestampAt }) }
  await driver.produce([record], { timeoutMs: 20_000 })
}
