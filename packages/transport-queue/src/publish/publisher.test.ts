import { bytes, contract, event, int64 } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { open, outcomeOf, placed, publisherOn, SlowDriver } from './publisher.test-harness.ts'

const users = contract('shop.user.v1.UserService', {
  importUser: {
    input: Type.Object({ userId: Type.String(), name: Type.String({ minLength: 1 }) }),
    output: Type.Object({}),
    queue: { topic: 'shop.user.import.v1', key: 'userId' },
  },
  getUser: { input: Type.Object({}), output: Type.Object({}), http: 'GET /v1/user' },
})
const clock = { now: () => Date.parse('2026-01-31T12:00:00Z'), wait: async () => undefined }

describe('QueuePublisher', () => {
  it('publishes an event as JSON, keyed by the field the contract names, with CloudEvents headers', async () => {
    const { publisher, sent } = open({ clock })
    await publisher.publish(placed, { orderId: 'o1', count: 2 })
    const [record] = sent(placed.topic)
    expect(String(record?.key)).toBe('o1')
    expect(JSON.parse(String(record?.value))).toEqual({ orderId: 'o1', count: 2 })
    expect(Object.fromEntries((record?.headers ?? []).map(([name, value]) => [name, String(value)]))).toEqual({
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ce_source: 'order',
      ce_type: 'shop.order.placed.v1',
      ce_time: '2026-01-31T12:00:00.000Z',
      ce_subject: 'o1',
    })
  })

  it('resolves to nothing, once the broker has it', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const states: unknown[] = []
    const publishing = publisher.publish(placed, { orderId: 'o1', count: 1 }).then((value) => states.push(value))
    await slow.handedOver(1)
    expect(states).toEqual([])
    slow.produced[0]?.store()
    await publishing
    expect(states).toEqual([undefined])
  })

  it('leaves out what the schema does not declare', async () => {
    const { publisher, sent } = open()
    await publisher.publish(placed, { orderId: 'o1', count: 2, password: 'x' } as { orderId: string; count: number })
    expect(String(sent(placed.topic)[0]?.value)).toBe('{"orderId":"o1","count":2}')
  })

  it('publishes with all that the options say', async () => {
    const { publisher, sent } = open({ clock, dataSchema: 'https://schema.example.com' })
    const headers = { 'X-Tenant': 'acme' }
    const options = { key: 'customer', headers, id: 'same', delayMs: 1_000, expiresAfterMs: 60_000 }
    await publisher.publish(placed, { orderId: 'o1', count: 2 }, options)
    const [record] = sent(placed.topic)
    expect(String(record?.key)).toBe('customer')
    expect(record?.headers.map(([name, value]) => `${name}: ${String(value)}`)).toEqual(
      expect.arrayContaining([
        'x-tenant: acme',
        'ce_id: same',
        'ce_subject: customer',
        'ce_dataschema: https://schema.example.com/shop.order.placed.v1',
        'ce_expirytime: 2026-01-31T12:01:00.000Z',
        'tenon-not-before: 2026-01-31T12:00:01.000Z',
      ]),
    )
  })

  it('writes structured events when it is told to', async () => {
    const { publisher, sent } = open({ mode: 'structured' })
    await publisher.publish(placed, { orderId: 'o1', count: 2 })
    expect(JSON.parse(String(sent(placed.topic)[0]?.value))).toMatchObject({
      specversion: '1.0',
      subject: 'o1',
      data: { orderId: 'o1', count: 2 },
    })
  })

  it('refuses what does not fit or is said wrongly as our own fault, sends nothing, and tells callers nothing', async () => {
    const { publisher, sent } = open()
    for (const [publishing, told] of [
      [publisher.publish(placed, { orderId: '', count: 2 }), '/orderId'],
      [publisher.publish(placed, { orderId: 'o1', count: 2 }, { headers: { ce_type: 'forged' } }), '"ce_type"'],
      [publisher.send(users.importUser, { userId: 'u1', name: '' }), '/name'],
      [
        publisher.send(users.getUser as unknown as typeof users.importUser, { userId: 'u1', name: 'Ann' }),
        'no queue binding',
      ],
    ] as const) {
      const error = await outcomeOf(publishing)
      expect(error).toMatchObject({
        code: 'internal',
        message: 'a message cannot be published as it was given',
        details: undefined,
      })
      expect(String((error as ServiceError).cause)).toContain(told)
    }
    expect([...sent(placed.topic), ...sent('shop.user.import.v1')]).toEqual([])
  })

  it('refuses an event in a format that its transport lacks, and one whose schema has no address', async () => {
    const other = event('shop.order.moved.v1', { ...placed.spec, format: 'protobuf' })
    const lacking = await outcomeOf(open().publisher.publish(other, { orderId: 'o1', count: 1 }))
    expect(lacking).toMatchObject({ code: 'internal', message: 'a message cannot be published as it was given' })
    expect(String((lacking as ServiceError).cause)).toContain('shop.order.moved.v1')
    const nowhere = open({ dataSchema: () => 'nowhere' }).publisher
    const unaddressed = await outcomeOf(nowhere.publish(placed, { orderId: 'o1', count: 1 }))
    expect(String((unaddressed as ServiceError).cause)).toContain('dataSchema')
  })

  it('asks a format that fails once, for it may read files each time', async () => {
    const compile = vi.fn(() => {
      throw new Error('the lock file is gone')
    })
    const { publisher } = open({ formats: [{ name: 'lost', contentType: 'application/lost', compile }] })
    const lost = event('shop.order.lost.v1', { ...placed.spec, format: 'lost' })
    for (const count of [0, 1]) {
      const error = await outcomeOf(publisher.publish(lost, { orderId: 'o1', count }))
      expect(error).toMatchObject({ code: 'internal', cause: { message: 'the lock file is gone' } })
    }
    expect(compile).toHaveBeenCalledTimes(1)
  })

  it('sends a command', async () => {
    const { publisher, sent } = open()
    await publisher.send(users.importUser, { userId: 'u1', name: 'Ann' })
    expect(String(sent('shop.user.import.v1')[0]?.key)).toBe('u1')
  })

  it('keeps the order of messages that were not awaited', async () => {
    const { publisher, counts } = open()
    await Promise.all([0, 1, 2, 3].map((count) => publisher.publish(placed, { orderId: 'k', count })))
    expect(counts()).toEqual([0, 1, 2, 3])
  })

  it('writes int64 and bytes as JSON has them, and an int64 may be the key', async () => {
    const { publisher, sent } = open()
    const Stored = Type.Object({ id: int64(), data: bytes() })
    await publisher.publish(event('shop.file.stored.v1', { key: 'id', payload: Stored }), {
      id: 2n ** 63n - 1n,
      data: Uint8Array.of(1, 2),
    })
    const [record] = sent('shop.file.stored.v1')
    expect(String(record?.key)).toBe('9223372036854775807')
    expect(String(record?.value)).toBe('{"id":"9223372036854775807","data":"AQI="}')
    expect(() => event('shop.file.kept.v1', { key: 'data', payload: Stored })).toThrow(
      'key "data" must name a text field, found bytes',
    )
  })

  it("waits for a library's own rules", async () => {
    const { publisher, sent } = open()
    const payload = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') })
    const named = event('shop.name.given.v1', { key: 'id', payload })
    const error = await outcomeOf(publisher.publish(named, { id: 'taken' }))
    expect(String((error as ServiceError).cause)).toContain('/id is taken')
    await publisher.publish(named, { id: 'free' })
    expect(sent('shop.name.given.v1')).toHaveLength(1)
  })
})

describe('a topic', () => {
  it('is created again when it was deleted, and takes what was published, in order and once', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const all = [0, 1].map((count) => publisher.publish(placed, { orderId: 'a', count }))
    await slow.handedOver(2)
    for (const { refuse } of slow.produced) refuse(new ServiceError('not_found', 'gone'))
    await slow.handedOver(4)
    for (const { store } of slow.produced) store()
    await Promise.all(all)
    expect(slow.counts).toEqual([0, 1, 0, 1])
    expect(slow.ensured).toEqual([placed.topic, placed.topic])
  })

  it('is created again once for a message, which fails as unavailable then', async () => {
    const slow = new SlowDriver()
    const publishing = outcomeOf(publisherOn(slow.driver).publish(placed, { orderId: 'a', count: 0 }))
    for (const index of [0, 1]) {
      await slow.handedOver(index + 1)
      slow.produced[index]?.refuse(new ServiceError('not_found', 'gone'))
    }
    expect(await publishing).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
    expect(slow.ensured).toHaveLength(2)
  })

  it('is ensured once, for all that wait for it, in their order', async () => {
    const slow = new SlowDriver()
    const { promise, resolve } = Promise.withResolvers<void>()
    slow.ensure = () => promise
    const publisher = publisherOn(slow.driver)
    for (const count of [0, 1, 2]) void publisher.publish(placed, { orderId: 'k', count })
    await nextTurn()
    resolve()
    // One that comes in the very turn in which the topic is there comes last all the same.
    void promise.then(() => publisher.publish(placed, { orderId: 'k', count: 3 }))
    await slow.handedOver(4)
    void publisher.publish(placed, { orderId: 'k', count: 4 })
    await slow.handedOver(5)
    expect(slow.ensured).toEqual([placed.topic])
    expect(slow.counts).toEqual([0, 1, 2, 3, 4])
  })

  it('that cannot be created fails all that wait for it as unavailable, and is tried again by the next', async () => {
    const slow = new SlowDriver()
    slow.ensure = async () => {
      throw new Error('topics could not be created: not allowed on 10.0.0.7')
    }
    const publisher = publisherOn(slow.driver)
    const failed = await Promise.all(
      [0, 1].map((count) => outcomeOf(publisher.publish(placed, { orderId: 'k', count }))),
    )
    for (const error of failed) {
      expect(error).toMatchObject({ code: 'unavailable', message: 'a message could not be published' })
      expect(causesOf(error)).toEqual([
        expect.stringMatching(
          /^a message of \d+ bytes for topic shop\.order\.placed\.v1 was not taken by Kafka at 10\.0\.0\.7:9092: the topic is not there/,
        ),
        'the topic is not there and could not be created',
        'topics could not be created: not allowed on 10.0.0.7',
      ])
    }
    slow.ensure = async () => undefined
    const publishing = publisher.publish(placed, { orderId: 'k', count: 2 })
    await slow.handedOver(1)
    slow.produced[0]?.store()
    await publishing
    expect(slow.ensured).toHaveLength(2)
  })

  it('that is being created holds up no other', async () => {
    const slow = new SlowDriver()
    slow.ensure = () => (slow.ensured.length === 1 ? new Promise(() => undefined) : Promise.resolve())
    const publisher = publisherOn(slow.driver)
    void publisher.publish(placed, { orderId: 'k', count: 1 })
    void publisher.send(users.importUser, { userId: 'u1', name: 'Ann' })
    await slow.handedOver(1)
    expect(slow.produced[0]?.record.topic).toBe('shop.user.import.v1')
  })
})

describe('a broker', () => {
  it.each([
    [
      new ServiceError('unavailable', 'Kafka at 10.0.0.7:9092 did not take it'),
      'unavailable',
      'a message could not be published',
    ],
    [
      new ServiceError('resource_exhausted', 'the buffer of 10.0.0.7 is full'),
      'resource_exhausted',
      'too many messages wait to be published',
    ],
    [new ServiceError('internal', 'record too large for 10.0.0.7'), 'internal', 'a message was refused by its broker'],
    [new TypeError('a defect at 10.0.0.7'), 'internal', 'a message was refused by its broker'],
  ])('that fails with %s is told as %s, and names itself to the log alone', async (failure, code, message) => {
    const slow = new SlowDriver()
    const publishing = outcomeOf(publisherOn(slow.driver).publish(placed, { orderId: 'o1', count: 1 }))
    await slow.handedOver(1)
    slow.produced[0]?.refuse(failure)
    const error = await publishing
    expect(error).toMatchObject({ code, message })
    expect(causesOf(error)).toEqual([
      expect.stringMatching(
        /^a message of \d+ bytes for topic shop\.order\.placed\.v1 was not taken by Kafka at 10\.0\.0\.7:9092: /,
      ),
      failure.message,
    ])
  })

  it('that is away is told to the log once, and that it is back', async () => {
    const slow = new SlowDriver()
    const publisher = publisherOn(slow.driver)
    const [warn, info] = [vi.fn(), vi.fn()]
    const log = { debug() {}, info, warn, error() {}, child: () => log }
    publisher.logTo(log)
    for (const failure of [
      new ServiceError('unavailable', 'away'),
      new ServiceError('unavailable', 'still away'),
      undefined,
    ]) {
      const before = slow.produced.length
      const publishing = outcomeOf(publisher.publish(placed, { orderId: 'o1', count: 1 }))
      await slow.handedOver(before + 1)
      if (failure) slow.produced.at(-1)?.refuse(failure)
      else slow.produced.at(-1)?.store()
      await publishing
    }
    expect(warn.mock.calls).toEqual([
      [
        { topic: placed.topic, err: expect.objectContaining({ message: expect.stringContaining('away') }) },
        'messages cannot be published',
      ],
    ])
    expect(info.mock.calls).toEqual([[{ topic: placed.topic }, 'messages are published again']])
  })

  it('that was never connected is no defect that a caller learns of', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, {
      produce: () => {
        throw new Error('connect() comes before any other method')
      },
    })
    const error = await outcomeOf(publisherOn(driver).publish(placed, { orderId: 'o1', count: 1 }))
    expect(error).toMatchObject({ code: 'internal', message: 'a message was refused by its broker' })
  })
})

function causesOf(error: unknown): readonly string[] {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? [cause.message, ...causesOf(cause)] : []
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
