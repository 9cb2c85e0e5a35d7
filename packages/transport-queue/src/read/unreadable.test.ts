import { type Arrival, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { redriveDeadLetter } from '../dead-letter/redrive-dead-letter.ts'
import { listDeadLetters } from '../dead-letter/list-dead-letters.ts'
import {
  countdown,
  deadLetters,
  fakeClock,
  headersOf,
  messages,
  type Placed,
  seeded,
  start,
  topic,
  toRecord,
} from '../queue-transport.test-harness.ts'

const payload = '{"orderId":"k","count":7}'
const structured = { 'content-type': 'application/cloudevents+json' }
const event = { specversion: '1.0', id: '1', source: 'shop', type: topic }
const inEvent = (fields: object) => JSON.stringify({ ...event, ...fields })

interface Broken {
  readonly what: string
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
  readonly reason: string | undefined
  /** How often it was handed to the dispatcher. */
  readonly attempts: string
}

const broken: readonly Broken[] = [
  { what: 'bytes that are no text', value: Buffer.from([0xff, 0xfe]), reason: 'undecodable', attempts: '0' },
  { what: 'text that is no JSON', value: Buffer.from('{"orderId":'), reason: 'undecodable', attempts: '0' },
  { what: 'no value', value: null, reason: 'undecodable', attempts: '0' },
  {
    what: 'a content type that nobody reads',
    value: Buffer.from(payload),
    headers: { 'content-type': 'application/x-yaml' },
    reason: 'undecodable',
    attempts: '0',
  },
  {
    what: 'a payload that does not fit',
    value: Buffer.from('{"orderId":"k","count":"many"}'),
    reason: undefined,
    attempts: '1',
  },
  {
    what: 'a payload that is too large',
    value: Buffer.from(`{"orderId":"k","count":7,"x":"${'x'.repeat(1_000)}"}`),
    reason: 'message_too_large',
    attempts: '0',
  },
  {
    what: 'another type',
    value: Buffer.from(payload),
    headers: { ce_type: 'shop.order.placed.v9' },
    reason: 'unknown_version',
    attempts: '0',
  },
  {
    what: 'another schema',
    value: Buffer.from(payload),
    headers: { ce_dataschema: 'https://schema.example.com/shop.order.placed.v9' },
    reason: 'unknown_version',
    attempts: '0',
  },
  {
    what: 'a moment that is none',
    value: Buffer.from(payload),
    headers: { 'tenon-not-before': 'tomorrow' },
    reason: 'undecodable',
    attempts: '0',
  },
  {
    what: 'a moment that is too far away',
    value: Buffer.from(payload),
    headers: { 'tenon-not-before': '2999-01-01T00:00:00Z' },
    reason: 'undecodable',
    attempts: '0',
  },
  {
    what: 'a structured event that is none',
    value: Buffer.from(payload),
    headers: structured,
    reason: 'undecodable',
    attempts: '0',
  },
  {
    what: 'a structured event of another type',
    value: Buffer.from(inEvent({ type: 'shop.order.placed.v9', data: {} })),
    headers: structured,
    reason: 'unknown_version',
    attempts: '0',
  },
  {
    what: 'a structured event without data',
    value: Buffer.from(inEvent({})),
    headers: structured,
    reason: 'undecodable',
    attempts: '0',
  },
  {
    what: 'a structured event with bytes that are no JSON',
    value: Buffer.from(inEvent({ data_base64: '/////w==' })),
    headers: structured,
    reason: 'undecodable',
    attempts: '0',
  },
]

test.each(broken)('$what is a dead letter at once, as it came, and the next message is handled', async (given) => {
  const { value, headers = {}, reason, attempts } = given
  const broker = await seeded([{ ...toRecord('', 'k', { Trace: 't', ...headers }), value }, ...messages(1)])
  const seen: Placed[] = []
  const done = countdown(1)
  await start(
    broker,
    async (one) => {
      seen.push(one)
      done.tick()
    },
    { maxMessageBytes: 500 },
  )
  await done.reached
  expect(seen).toEqual([{ orderId: 'k', count: 0 }])
  const [letter, ...others] = broker.records(deadLetters)
  expect(others).toEqual([])
  expect(letter?.value).toEqual(value)
  expect(String(letter?.key)).toBe('k')
  const { 'tenon-error-reason': found, ...told } = headersOf(letter)
  expect(found).toBe(reason)
  expect(told).toMatchObject({
    Trace: 't',
    ...headers,
    'tenon-error-code': 'invalid_argument',
    'tenon-attempts': attempts,
    'tenon-handler': `consume ${topic}`,
    'tenon-source-topic': topic,
    'tenon-source-offset': '0',
  })
})

test('what nobody can read is no matter of what the consumer says of its code', async () => {
  const broker = await seeded([toRecord('garbage'), toRecord('{"orderId":1}'), ...messages(1)])
  const done = countdown(1)
  await start(broker, async () => done.tick(), { delivery: { failures: { invalid_argument: 'skip' } } })
  await done.reached
  // A payload that does not fit is one of a code, and skipped.
  expect(broker.records(deadLetters).map(({ value }) => String(value))).toEqual(['garbage'])
})

test('an event in structured mode is handled, again and again if need be, with its attributes as metadata', async () => {
  const value = inEvent({ traceparent: '00-trace', data: { orderId: 'k', count: 7, unknown: true } })
  const broker = await seeded([
    toRecord(value, 'k', { ...structured, 'x-tenant-id': 'acme' }),
    toRecord(inEvent({ data_base64: Buffer.from(payload).toString('base64') }), 'k', structured),
  ])
  const seen: unknown[] = []
  const done = countdown(3)
  const handle = async (one: Placed, { metadata, attempt }: Arrival) => {
    seen.push({ ...one, attempt, ...metadata })
    Object.assign(one, { count: 'spoilt' })
    done.tick()
    if (seen.length === 1) throw new Error('not yet')
  }
  await start(broker, handle, { clock: fakeClock() })
  await done.reached
  const told = {
    ce_id: '1',
    ce_source: 'shop',
    ce_type: topic,
    ce_specversion: '1.0',
    'content-type': 'application/json',
  }
  const first = { orderId: 'k', count: 7, ...told, ce_traceparent: '00-trace', 'x-tenant-id': 'acme' }
  expect(seen).toEqual([
    { ...first, attempt: 1 },
    { ...first, attempt: 2 },
    { orderId: 'k', count: 7, ...told, attempt: 1 },
  ])
  expect(broker.records(deadLetters)).toEqual([])
})

test('one that could not be read is redriven as it came, and read once its reader is mended', async () => {
  const broker = await seeded([toRecord(inEvent({ data: { orderId: 'k', count: 'many' } }), 'k', structured)])
  const driver = memoryDriver({ broker })
  const first = await start(broker, async () => undefined, { commitIntervalMs: 0 })
  await first.onDeadLetter
  const [letter] = (await listDeadLetters(driver, { topic, group: 'user' })).letters
  expect(letter).toMatchObject({ code: 'invalid_argument', attemptCount: 1 })
  if (letter === undefined) throw new ServiceError('not_found', 'expected a letter')
  const mended = { ...letter, value: Buffer.from(inEvent({ data: { orderId: 'k', count: 1 } })) }
  const handled = Promise.withResolvers<Placed>()
  await first.server.close()
  await start(broker, async (one) => handled.resolve(one))
  await redriveDeadLetter(driver, mended)
  expect(await handled.promise).toEqual({ orderId: 'k', count: 1 })
})
