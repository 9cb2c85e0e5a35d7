import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RunningCall } from '../../call/running-call.ts'
import { runInCall } from '../../call/context.ts'
import { Gate } from '../../call/gate.ts'
import { contract } from '../../contract/contract.ts'
import { event, type EventType } from '../../contract/event.ts'
import type { ServiceError } from '../../error/service-error.ts'
import { bytes } from '../../schema/native/bytes.ts'
import { int64 } from '../../schema/native/int64.ts'
import type { Logger } from '../../telemetry/log.ts'
import { outgoingCommand, outgoingEvent } from './publisher-message.ts'

const made = event('demo.made.v1', {
  key: 'id',
  payload: Type.Object({ id: Type.String(), count: Type.Integer(), code: Type.Optional(Type.String()) }),
})
const demo = contract('demo.v1.DemoService', {
  make: {
    input: Type.Object({ id: Type.String() }),
    output: Type.Object({}),
    queue: { topic: 'demo.make.v1', key: 'id' },
  },
  look: { input: Type.Object({ id: Type.String() }), output: Type.Object({}), http: 'GET /v1/look/:id' },
})
const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }

describe('outgoingEvent', () => {
  it('is what the schema declares, with its key, a UUID, and neither delay nor expiry', async () => {
    expect(await outgoingEvent(made, { id: 'a', count: 1, password: 'x' })).toEqual({
      topic: 'demo.made.v1',
      key: 'a',
      value: { id: 'a', count: 1 },
      headers: {},
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      delayMs: 0,
      expiresAfterMs: undefined,
    })
  })

  it('has what the options say', async () => {
    const options = { key: 'k', headers: { 'X-Tenant': 'acme' }, delayMs: 5, expiresAfterMs: 6, id: 'same' }
    expect(await outgoingEvent(made, { id: 'a', count: 1 }, options)).toMatchObject({
      key: 'k',
      headers: { 'x-tenant': 'acme' },
      delayMs: 5,
      expiresAfterMs: 6,
      id: 'same',
    })
  })

  it('refuses options that no publisher takes, for an event and a command', async () => {
    for (const refused of [
      () => outgoingEvent(made, { id: 'a', count: 1 }, { delayMs: -1 }),
      () => outgoingCommand(demo.make, { id: 'a' }, { delayMs: -1 }),
    ])
      expect(String((await refusalOf(refused)).cause)).toContain('delayMs must be a whole number')
  })

  it('gives two messages ids of their own', async () => {
    const [one, other] = await Promise.all([1, 2].map(async (count) => outgoingEvent(made, { id: 'a', count })))
    expect(one?.id).not.toBe(other?.id)
  })

  it('names the event and the field that does not fit, for the log alone', async () => {
    const error = await refusalOf(() => outgoingEvent(made, { id: 'a', count: 'many' }))
    expect(error).toMatchObject({
      code: 'internal',
      message: 'a message cannot be published as it was given',
      details: undefined,
    })
    expect(String(error.cause)).toBe(
      'TypeError: event demo.made.v1 cannot be published: it does not fit its schema; /count must be integer',
    )
  })

  it('waits for the rules of a library, and names what it does not like', async () => {
    const payload = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') })
    const named = event('demo.named.v1', { key: 'id', payload })
    expect(String((await refusalOf(() => outgoingEvent(named, { id: 'taken' }))).cause)).toContain('/id is taken')
    expect(await outgoingEvent(named, { id: 'free' })).toMatchObject({ key: 'free' })
  })

  it('is there at once unless a validator is asynchronous', () => {
    expect(outgoingEvent(made, { id: 'a', count: 1 })).toMatchObject({ key: 'a' })
    expect(outgoingCommand(demo.make, { id: 'a' })).toMatchObject({ key: 'a' })
  })

  it.each([
    ['throws', () => JSON.parse('none')],
    // Zod asks a second time once it has seen a promise, and drops the first.
    [
      'rejects',
      onSecondCall(
        async () => true,
        async () => JSON.parse('none'),
      ),
    ],
  ])('refuses what a validator that %s cannot check, and keeps why for the log', async (_how, check) => {
    const broken = event('demo.broken.v1', { key: 'id', payload: z.object({ id: z.string().refine(check) }) })
    const error = await refusalOf(() => outgoingEvent(broken, { id: 'a' }))
    expect(error).toMatchObject({ code: 'internal', message: 'a message cannot be published as it was given' })
    expect(String(error.cause)).toContain(
      'event demo.broken.v1 cannot be published: the validator of its schema failed',
    )
    expect((error.cause as Error).cause).toBeInstanceOf(SyntaxError)
  })

  it.each([
    [{ id: '', count: 1 }, 'the key field /id: key must have 1 to 1024 bytes of UTF-8, found 0'],
    [{ id: 'k'.repeat(1_025), count: 1 }, 'the key field /id: key must have 1 to 1024 bytes of UTF-8, found 1025'],
  ])('refuses a payload whose key cannot be one', async (payload, told) => {
    expect(String((await refusalOf(() => outgoingEvent(made, payload))).cause)).toContain(told)
    expect(await outgoingEvent(made, payload, { key: 'k' })).toMatchObject({ key: 'k' })
  })

  it('refuses a payload that lacks its key', async () => {
    const coded = event('demo.coded.v1', { key: 'code', payload: made.payloadSchema as typeof made.spec.payload })
    const error = await refusalOf(() => outgoingEvent(coded, { id: 'a', count: 1 }))
    expect(String(error.cause)).toContain('the key field /code: key must be well-formed text, found undefined')
  })

  it('keeps native values, and an int64 may be the key', async () => {
    const stored = event('demo.stored.v1', { key: 'id', payload: Type.Object({ id: int64(), data: bytes() }) })
    const value = { id: 2n ** 63n - 1n, data: Uint8Array.of(1, 2) }
    expect(await outgoingEvent(stored, value)).toMatchObject({ key: '9223372036854775807', value })
  })

  it('refuses what is no event', async () => {
    const error = await refusalOf(() => outgoingEvent(demo.make as unknown as EventType, { id: 'a' }))
    expect(String(error.cause)).toContain('publish() takes an event made by event()')
  })

  it('inherits what the call may pass on, but nothing that would pass for the envelope, and no deadline', async () => {
    const forwarded = ['traceparent', 'x-tenant-id', 'ce_id', 'content-type', 'tenon-redrive-group']
    const metadata = Object.fromEntries([...forwarded, 'x-secret'].map((name) => [name, `the ${name}`]))
    const facts = { id: 'demo', timeoutMs: 1_000, log, forwarded }
    const call = new RunningCall(
      facts,
      { transport: 'test', metadata: { ...metadata, 'x-request-id': 'r' }, decode: () => ({}) },
      new Gate(),
    )
    const message = await runInCall(call, () => outgoingEvent(made, { id: 'a', count: 1 }), undefined)
    expect(message.headers).toEqual({
      'x-request-id': 'r',
      traceparent: 'the traceparent',
      'x-tenant-id': 'the x-tenant-id',
    })
  })
})

describe('outgoingCommand', () => {
  it('goes to the topic of its binding', async () => {
    expect(await outgoingCommand(demo.make, { id: 'a' })).toMatchObject({ topic: 'demo.make.v1', key: 'a' })
  })

  it('refuses an operation without queue binding, and says what to add', async () => {
    const error = await refusalOf(() => outgoingCommand(demo.look, { id: 'a' }))
    expect(error).toMatchObject({ code: 'internal', message: 'a message cannot be published as it was given' })
    expect(String(error.cause)).toBe(
      'TypeError: command demo.v1.DemoService/look cannot be published: its contract gives it no queue binding: add queue: { topic, key }',
    )
  })

  it('refuses an input that does not fit in the same way, which is no fault of the caller', async () => {
    const error = await refusalOf(() => outgoingCommand(demo.make, {}))
    expect(error.code).toBe('internal')
    expect(String(error.cause)).toContain('command demo.v1.DemoService/make cannot be published')
  })
})

function onSecondCall(first: () => unknown, second: () => unknown): () => unknown {
  let count = 0
  return () => ((count += 1) === 2 ? second() : first())
}

async function refusalOf(work: () => unknown): Promise<ServiceError> {
  try {
    await work()
  } catch (error) {
    return error as ServiceError
  }
  return expect.fail('it was taken')
}
