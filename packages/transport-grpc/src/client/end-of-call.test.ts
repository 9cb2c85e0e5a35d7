import { once } from 'node:events'
import type { Call } from '@tenon/core'
import { expect, test } from 'vitest'
import {
  callOf,
  failureOf,
  freePort,
  type Kind,
  kinds,
  type Note,
  one,
  open,
  serve,
  silentPeer,
  talks,
} from './client.test-harness.ts'

/** Waits until its call is over, and tells that it came and why it ended. */
function waiting() {
  const came = Promise.withResolvers<Call>()
  const ended = Promise.withResolvers<unknown>()
  const act = async (_note: Note, call: Call) => {
    came.resolve(call)
    if (!call.signal.aborted) await once(call.signal, 'abort')
    ended.resolve(Reflect.get(Object(call.signal.reason), 'code'))
    throw call.signal.reason
  }
  return { act, came: came.promise, ended: ended.promise }
}

/** Inputs of which the first comes at once, and no other ever; tells when they are let go. */
function endlessInputs() {
  const closed = Promise.withResolvers<void>()
  const items = async function* () {
    try {
      yield { text: 'a' }
      await new Promise(() => undefined)
    } finally {
      closed.resolve()
    }
  }
  const source = items()
  // A generator that waits cannot be closed; this one need not.
  const inputs: AsyncIterable<Note> = {
    [Symbol.asyncIterator]: () => ({
      next: () => source.next(),
      return: async () => {
        closed.resolve()
        return { done: true, value: undefined }
      },
    }),
  }
  return { inputs, closed: closed.promise }
}

const sendsStream = (kind: Kind) => kind === 'gather' || kind === 'chat'

test.each(kinds)('a caller that leaves before there is a connection is cancelled: %s', async (kind) => {
  await using peer = await silentPeer()
  await using caller = open(peer.port)
  const controller = new AbortController()
  const called = failureOf(callOf(caller.client, { kind, signal: controller.signal }))
  await peer.connected
  controller.abort()
  expect((await called).code).toBe('cancelled')
})

test.each(kinds)('a caller that leaves before the headers ends the handler, and its inputs: %s', async (kind) => {
  const { act, came, ended } = waiting()
  await using server = await serve(act)
  await using caller = open(server.port)
  const controller = new AbortController()
  const { inputs, closed } = endlessInputs()
  const called = failureOf(callOf(caller.client, { kind, inputs, signal: controller.signal }))
  await came
  controller.abort()
  expect(await called).toMatchObject({ code: 'cancelled', cause: controller.signal.reason })
  expect(await ended).toBe('cancelled')
  if (sendsStream(kind)) await closed
})

test.each(['gather', 'chat'] as const)(
  'a caller that leaves after its last input ends the handler: %s',
  async (kind) => {
    const { act, came, ended } = waiting()
    await using server = await serve(act)
    await using caller = open(server.port)
    const controller = new AbortController()
    const called = failureOf(callOf(caller.client, { kind, signal: controller.signal }))
    await came
    controller.abort()
    expect((await called).code).toBe('cancelled')
    expect(await ended).toBe('cancelled')
  },
)

test.each(['listen', 'chat'] as const)(
  'a caller that leaves in the midst of the answers ends the handler: %s',
  async (kind) => {
    const ended = Promise.withResolvers<void>()
    await using server = await serve(async (_note, call) => {
      call.signal.addEventListener('abort', () => ended.resolve(), { once: true })
    })
    await using caller = open(server.port)
    const controller = new AbortController()
    const { inputs } = endlessInputs()
    const items =
      kind === 'listen'
        ? caller.client.listen({ text: 'a' }, { signal: controller.signal })
        : caller.client.chat(inputs, { signal: controller.signal })
    const iterator = items[Symbol.asyncIterator]()
    expect((await iterator.next()).value).toEqual({ text: 'a' })
    controller.abort()
    if (kind === 'chat') {
      const { reason } = controller.signal
      expect(await failureOf(iterator.next())).toMatchObject({ code: 'cancelled', cause: reason })
      await ended.promise
    } else await iterator.return?.()
  },
)

test.each(kinds)("the caller's deadline ends both sides as such: %s", async (kind) => {
  const { act, came, ended } = waiting()
  await using server = await serve((note, call) => (note.text === 'warm' ? undefined : act(note, call)))
  await using caller = open(server.port)
  await callOf(caller.client, { kind, text: 'warm' })
  const { inputs, closed } = endlessInputs()
  const called = failureOf(callOf(caller.client, { kind, inputs, timeoutMs: 100 }))
  expect((await called).code).toBe('deadline_exceeded')
  if (sendsStream(kind)) await closed
  // A slow machine may not have sent it in time; what was sent has come before this call has.
  const hasCome = came.then(() => true)
  const isServed = callOf(caller.client, { kind, text: 'warm' }).then(() => false)
  if (await Promise.race([hasCome, isServed])) await ended
})

test.each(kinds)("the callee's own deadline is told as such: %s", async (kind) => {
  const { act, ended } = waiting()
  await using server = await serve(act, {}, 50)
  await using caller = open(server.port)
  const { inputs, closed } = endlessInputs()
  const error = await failureOf(callOf(caller.client, { kind, inputs }))
  expect(error.code).toBe('deadline_exceeded')
  expect(await ended).toBe('deadline_exceeded')
  if (sendsStream(kind)) await closed
})

test('a call without any time left is not served', async () => {
  const seen: unknown[] = []
  await using server = await serve((note) => void seen.push(note))
  await using caller = open(server.port)
  const { say, listen, gather, chat } = talks
  const outgoing = { metadata: {}, timeoutMs: 0, signal: undefined }
  const { channel } = caller
  const first = (items: AsyncIterable<unknown>) => items[Symbol.asyncIterator]().next()
  const calls = [
    channel.unary(say, { text: 'a' }, outgoing),
    first(channel.serverStream(listen, { text: 'a' }, outgoing)),
    channel.clientStream(gather, one('a'), outgoing),
    first(channel.bidiStream(chat, one('a'), outgoing)),
  ]
  for (const call of calls) expect((await failureOf(call)).code).toBe('deadline_exceeded')
  await callOf(caller.client, { kind: 'say', text: 'after' })
  expect(seen).toEqual([{ text: 'after' }])
})

test('a signal that has fired cancels a call before it is sent', async () => {
  await using caller = open(await freePort())
  for (const kind of kinds)
    expect((await failureOf(callOf(caller.client, { kind, signal: AbortSignal.abort() }))).code).toBe('cancelled')
  expect(caller.state()).toBe('idle')
})
