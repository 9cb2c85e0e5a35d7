import {
  type Call,
  Consumes,
  defineConsumer,
  defineHandler,
  defineService,
  event,
  fault,
  type Payload,
  ServiceError,
} from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import type { MessageOptions } from './memory-delivery.ts'
import { memoryTransport, type OutcomeOf } from './memory-transport.ts'

const Item = Type.Object({ index: Type.Integer() })
const greeter = contract('demo.v1.Greeter', {
  greet: {
    input: Type.Object({ name: Type.String({ minLength: 1 }) }),
    output: Type.Object({ text: Type.String() }),
    errors: ['not_found'],
    queue: { topic: 'demo.greet.v1', key: 'name' },
  },
  hang: { input: Type.Object({}), output: Type.Object({}) },
  count: { input: Type.Object({}), output: stream(Item) },
  wait: { input: Type.Object({}), output: stream(Item) },
  sum: { input: stream(Item), output: Type.Object({ total: Type.Integer() }) },
})
const other = contract('demo.v1.Other', {
  wave: {
    input: Type.Object({ name: Type.String() }),
    output: Type.Object({}),
    queue: { topic: 'demo.wave.v1', key: 'name' },
  },
})
const greeted = event('demo.greeted.v1', { key: 'name', payload: Type.Object({ name: Type.String({ minLength: 1 }) }) })
const unheard = event('demo.unheard.v1', { key: 'name', payload: Type.Object({ name: Type.String() }) })

async function startGreeter() {
  const memory = memoryTransport()
  const calls: Call[] = []
  const closed = Promise.withResolvers<number>()
  const released = Promise.withResolvers<object>()
  class Audit {
    @Consumes(greeted, { group: 'audit' })
    async onGreeted({ name }: Payload<typeof greeted>, call: Call): Promise<void> {
      calls.push(call)
      if (name === 'nobody') throw new ServiceError('failed_precondition', 'nobody was greeted')
    }
  }
  const service = defineService({
    name: 'greeter',
    version: '1.0.0',
    admin: false,
    transports: () => [memory],
    handlers: [
      Audit,
      defineConsumer(greeted, () => async (_payload, call) => void calls.push(call)),
      defineHandler(greeter, () => ({
        greet: async ({ name }, call) => {
          calls.push(call)
          if (name === 'nobody') throw fault(greeter.greet, 'not_found', 'nobody is there')
          return { text: `hello ${name}` }
        },
        hang: async () => released.promise,
        async *count() {
          let index = 0
          try {
            for (; ; index++) yield { index }
          } finally {
            closed.resolve(index)
          }
        },
        async *wait(_input, { draining }) {
          yield { index: 0 }
          await new Promise((resolve) => draining.addEventListener('abort', resolve))
          yield { index: 1 }
        },
        sum: async (items) => {
          let total = 0
          for await (const { index } of items) total += index
          return { total }
        },
      })),
    ],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  return {
    memory,
    calls,
    /** The index at which `count` was closed. */
    closedAt: closed.promise,
    stop: () => started.stop(),
    [Symbol.asyncDispose]: async () => {
      released.resolve({})
      await started.stop()
    },
  }
}

async function itemsOf(call: Promise<OutcomeOf<typeof greeter.count>>) {
  const outcome = await call
  if (!outcome.ok) throw outcome.error
  return outcome.value
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

test('a call goes through the whole pipeline and gives its outcome', async () => {
  await using greeting = await startGreeter()
  const greetedAda = await greeting.memory.call(greeter.greet, { name: 'Ada' })
  // Typed by the operation: no cast is needed to read the text.
  expect(greetedAda.ok && greetedAda.value.text).toBe('hello Ada')
  expect(await greeting.memory.call(greeter.greet, { name: 'nobody' })).toMatchObject({
    ok: false,
    error: { code: 'not_found' },
  })
  expect(await greeting.memory.call(greeter.greet, { name: '' })).toMatchObject({
    ok: false,
    error: { code: 'invalid_argument', details: { violations: [{ field: '/name', rule: 'minLength' }] } },
  })
})

test('an operation the service does not offer is unimplemented, and one that does not run is unavailable', async () => {
  await using greeting = await startGreeter()
  await expect(greeting.memory.call(other.wave, { name: 'Ada' })).rejects.toMatchObject({ code: 'unimplemented' })
  await expect(greeting.memory.send(other.wave, { name: 'Ada' })).rejects.toMatchObject({ code: 'unimplemented' })
  await greeting.stop()
  await expect(greeting.memory.call(greeter.greet, { name: 'Ada' })).rejects.toMatchObject({ code: 'unavailable' })
})

test('the input is copied, so that neither side sees what the other does to it', async () => {
  await using greeting = await startGreeter()
  const input = { name: 'Ada' }
  const outcome = greeting.memory.call(greeter.greet, input)
  input.name = 'Bob'
  expect(await outcome).toMatchObject({ value: { text: 'hello Ada' } })
  const unsendable: object = { name: () => 'Ada' }
  await expect(greeting.memory.call(greeter.greet, unsendable as typeof input)).rejects.toThrow('could not be cloned')
})

test('a caller that leaves is answered cancelled, although the handler never looks at its signal', async () => {
  await using greeting = await startGreeter()
  const caller = new AbortController()
  const outcome = greeting.memory.call(greeter.hang, {}, { signal: caller.signal })
  caller.abort()
  expect(await outcome).toMatchObject({
    ok: false,
    error: { code: 'cancelled' },
    callId: expect.stringMatching(/.{36}/),
  })
  const { signal } = caller
  const late = greeting.memory.call(greeter.hang, {}, { signal, metadata: { 'x-request-id': 'r-1' } })
  expect(await late).toMatchObject({ ok: false, error: { code: 'cancelled' }, callId: 'r-1' })
})

test('the id of a call is known to both sides, and is no metadata that its caller sent', async () => {
  await using greeting = await startGreeter()
  const { callId } = await greeting.memory.call(greeter.greet, { name: 'Ada' }, { metadata: { 'x-tenant-id': 't' } })
  expect(greeting.calls[0]?.id).toBe(callId)
  expect({ ...greeting.calls[0]?.metadata }).toEqual({ 'x-tenant-id': 't' })
})

test('a stream is left by leaving the loop, or by the signal', async () => {
  await using leaving = await startGreeter()
  for await (const { index } of await itemsOf(leaving.memory.call(greeter.count, {}))) if (index === 2) break
  expect(await leaving.closedAt).toBe(2)

  await using cancelling = await startGreeter()
  const caller = new AbortController()
  const items = await itemsOf(cancelling.memory.call(greeter.count, {}, { signal: caller.signal }))
  await items.next()
  caller.abort()
  expect(await cancelling.closedAt).toBe(0)
  await expect(items.next()).rejects.toMatchObject({ code: 'cancelled' })
})

test('a wait for an item ends as cancelled when the signal fires', async () => {
  await using greeting = await startGreeter()
  const caller = new AbortController()
  const items = await itemsOf(greeting.memory.call(greeter.wait, {}, { signal: caller.signal }))
  await items.next()
  const waiting = items.next()
  caller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
})

test('a stream that its caller has left lying does not hold up the stop', async () => {
  await using greeting = await startGreeter()
  const items = await itemsOf(greeting.memory.call(greeter.count, {}))
  await items.next()
  expect(await greeting.stop()).toMatchObject({ exitCode: 0 })
  expect(await greeting.closedAt).toBe(0)
  await expect(items.next()).rejects.toMatchObject({ code: 'unavailable', reason: 'draining' })
})

test('a stream that is being read goes on while the service drains', async () => {
  await using greeting = await startGreeter()
  const items = await itemsOf(greeting.memory.call(greeter.wait, {}))
  await items.next()
  const rest = collect(items)
  expect(await greeting.stop()).toMatchObject({ exitCode: 0 })
  expect(await rest).toEqual([{ index: 1 }])
})

test('takes the items of an input stream from any iterable, and tells one that breaks off as cancelled', async () => {
  await using greeting = await startGreeter()
  expect(await greeting.memory.call(greeter.sum, [{ index: 1 }, { index: 2 }])).toMatchObject({ value: { total: 3 } })
  async function* broken() {
    yield { index: 1 }
    throw new Error('lost')
  }
  expect(await greeting.memory.call(greeter.sum, broken())).toMatchObject({ error: { code: 'cancelled' } })
  await expect(greeting.memory.call(greeter.sum, 7 as never)).rejects.toThrow('expected an iterable of input items')
})

test('delivers an event to the consumer of a group, with the headers that a publisher sets', async () => {
  await using greeting = await startGreeter()
  const publish = (name: string) =>
    greeting.memory.publish(
      greeted,
      { name },
      { group: 'audit', attempt: 3, headers: { 'X-Tenant-ID': 't', CE_ID: '1' } },
    )
  expect(await publish('Ada')).toEqual({ ok: true, group: 'audit' })
  expect(await publish('nobody')).toMatchObject({ ok: false, group: 'audit', error: { code: 'failed_precondition' } })
  expect(await publish('')).toMatchObject({ ok: false, error: { code: 'invalid_argument' } })
  const [{ transport, attempt, metadata } = {}, ...others] = greeting.calls
  expect({ transport, attempt, metadata }).toMatchObject({
    transport: 'queue',
    attempt: 3,
    metadata: { ce_type: 'demo.greeted.v1', ce_id: '1', 'x-tenant-id': 't' },
  })
  expect(others).toHaveLength(1)
})

test('asks for the group where several consume an event', async () => {
  await using greeting = await startGreeter()
  await expect(greeting.memory.publish(greeted, { name: 'Ada' })).rejects.toThrow(
    'group: expected one of the groups that take the message (audit, greeter), or broadcast: true for the broadcasts among them, found none',
  )
  await expect(greeting.memory.publish(greeted, { name: 'Ada' }, { group: 'x' })).rejects.toThrow('found "x"')
  expect(await greeting.memory.publish(greeted, { name: 'Ada' }, { group: 'greeter' })).toEqual({
    ok: true,
    group: 'greeter',
  })
  await expect(greeting.memory.publish(unheard, { name: 'Ada' })).rejects.toMatchObject({ code: 'unimplemented' })
})

test('delivers an event to its broadcast, beside a group that consumes it too', async () => {
  const memory = memoryTransport()
  const seen: string[] = []
  const note = (who: string, options: object) =>
    defineConsumer(
      greeted,
      () =>
        ({ name }) =>
          void seen.push(`${who}: ${name}`),
      options,
    )
  const handlers = [note('group', { group: 'audit' }), note('broadcast', { broadcast: true })]
  const service = defineService({
    name: 'greeter',
    version: '1.0.0',
    admin: false,
    transports: () => [memory],
    handlers,
  })
  await using _started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const publish = (options?: MessageOptions) => memory.publish(greeted, { name: 'Ada' }, options)
  expect(await publish({ broadcast: true })).toEqual({ ok: true, group: undefined })
  expect(await publish({ broadcast: false })).toEqual({ ok: true, group: 'audit' })
  expect(seen).toEqual(['broadcast: Ada', 'group: Ada'])
  await expect(publish()).rejects.toThrow('(audit, a broadcast), or broadcast: true for the broadcasts')
  await expect(publish({ group: 'audit', broadcast: true })).rejects.toThrow('found "audit" with broadcast: true')
})

test('delivers an event to all of its broadcasts, as each process gets it, and tells what the first failed with', async () => {
  const memory = memoryTransport()
  const seen: string[] = []
  const note = (who: string, code?: 'aborted' | 'internal') =>
    defineConsumer(
      greeted,
      () =>
        ({ name }) => {
          seen.push(`${who}: ${name}`)
          if (code && name === 'nobody') throw new ServiceError(code, 'as the test says')
        },
      { broadcast: true },
    )
  const several = defineConsumer(greeted, () => (items) => void seen.push(`batch: ${items[0]?.payload.name}`), {
    broadcast: true,
    batch: { maxCount: 2 },
  })
  const service = defineService({
    name: 'greeter',
    version: '1.0.0',
    admin: false,
    transports: () => [memory],
    handlers: [note('one'), note('other', 'aborted'), note('third', 'internal'), several],
  })
  await using _started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  expect(await memory.publish(greeted, { name: 'Ada' })).toEqual({ ok: true, group: undefined })
  expect(seen.toSorted()).toEqual(['batch: Ada', 'one: Ada', 'other: Ada', 'third: Ada'])
  const failed = await memory.publish(greeted, { name: 'nobody' }, { broadcast: true })
  expect(failed).toMatchObject({ ok: false, group: undefined, error: { code: 'aborted' } })
  expect(seen).toHaveLength(8)
})

test('delivers an input as a command to its operation', async () => {
  await using greeting = await startGreeter()
  expect(await greeting.memory.send(greeter.greet, { name: 'Ada' })).toEqual({ ok: true, group: 'greeter' })
  expect(await greeting.memory.send(greeter.greet, { name: 'nobody' })).toMatchObject({ error: { code: 'not_found' } })
  expect(greeting.calls.map(({ transport }) => transport)).toEqual(['queue', 'queue'])
})
