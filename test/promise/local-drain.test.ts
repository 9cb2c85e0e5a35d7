import { defineHandler, defineService, type Handler, ServiceError } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, onTestFinished, test, vi } from 'vitest'
import { environment, startCaller } from './local-pair.ts'

const Note = Type.Object({ text: Type.String() })
const notes = contract('shop.drain.v1.NoteService', {
  watch: { input: Note, output: stream(Note), http: 'POST /v1/notes:watch' },
  wait: { input: Note, output: Note, http: 'POST /v1/notes:wait' },
})

interface Doing {
  readonly handler: Handler
  /** Called when a stream has ended for its handler. */
  readonly ended: () => void
  /** Lets those that wait go on. */
  readonly answer: () => void
  /** Resolves when one waits. */
  readonly waits: Promise<void>
}

/** Streams without end, and calls that wait until they are let go on. */
function doing(): Doing {
  const ended = vi.fn()
  const answer = Promise.withResolvers<void>()
  const waits = Promise.withResolvers<void>()
  const handler = defineHandler(notes, () => ({
    async *watch(input) {
      try {
        for (;;) yield input
      } finally {
        ended()
      }
    },
    wait: async (input) => {
      waits.resolve()
      await answer.promise
      return input
    },
  }))
  return { handler, ended, answer: answer.resolve, waits: waits.promise }
}

async function startCallee(handler: Handler, authenticated = async () => undefined) {
  const callee = await defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    shutdownTimeoutMs: 2_000,
    handlers: [handler],
    authenticate: async () => {
      await authenticated()
      return { id: 'caller', roles: [] }
    },
    transports: () => [httpTransport({ port: 0 })],
  }).start({ environment })
  onTestFinished(async () => void (await callee.stop()))
  return callee
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.catch((failure: unknown) => failure)
  return ServiceError.is(error) ? error.code : error
}

const input = { text: 'a' }

test('a caller ends with a stream that it opened and reads no more, whose handler learns of it', async () => {
  const { handler, ended } = doing()
  const callee = await startCallee(handler)
  const caller = await startCaller(notes)
  await caller.client.watch(input)[Symbol.asyncIterator]().next()
  expect((await caller.service.stop()).exitCode).toBe(0)
  expect(ended).toHaveBeenCalledTimes(1)
  expect((await callee.stop()).exitCode).toBe(0)
})

test('a stream that nobody reads ends at its deadline, and holds nobody', async () => {
  const { handler, ended } = doing()
  const callee = await startCallee(handler)
  const caller = await startCaller(notes)
  const items = caller.client.watch(input, { timeoutMs: 100 })[Symbol.asyncIterator]()
  await items.next()
  await eventually(() => expect(ended).toHaveBeenCalledTimes(1))
  const ends = await Promise.all([caller.service.stop(), callee.stop()])
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0])
  expect(await codeOf(items.next())).toBe('deadline_exceeded')
})

test('a stream runs on in the drain of its service, which cuts it at the end, read or not', async () => {
  const { handler, ended } = doing()
  const callee = await startCallee(handler)
  const { client } = await startCaller(notes)
  const unread = client.watch(input)[Symbol.asyncIterator]()
  await unread.next()
  const read = client.watch(input)[Symbol.asyncIterator]()
  await read.next()
  const stopped = callee.stop()
  const readToEnd = async () => {
    for (;;) await read.next()
  }
  expect(await codeOf(readToEnd())).toBe('unavailable')
  expect(ended).toHaveBeenCalledTimes(2)
  expect((await stopped).exitCode).toBe(1)
  expect(await codeOf(unread.next())).toBe('unavailable')
})

test('a stream that opens when its caller has left holds no drain', async () => {
  const { handler } = doing()
  const asked = Promise.withResolvers<void>()
  const authenticated = Promise.withResolvers<undefined>()
  const callee = await startCallee(handler, () => {
    asked.resolve()
    return authenticated.promise
  })
  const { client } = await startCaller(notes)
  const leaving = new AbortController()
  const first = client.watch(input, { signal: leaving.signal })[Symbol.asyncIterator]().next()
  await asked.promise
  leaving.abort()
  expect(await codeOf(first)).toBe('cancelled')
  authenticated.resolve(undefined)
  expect((await callee.stop()).exitCode).toBe(0)
})

test('a call that runs when its service begins to drain is answered, and the next one is not begun', async () => {
  const { handler, answer, waits } = doing()
  const callee = await startCallee(handler)
  const { client } = await startCaller(notes)
  const running = client.wait(input)
  await waits
  const stopped = callee.stop()
  await eventually(async () => expect(await codeOf(client.wait(input, { timeoutMs: 50 }))).toBe('unavailable'))
  answer()
  expect(await running).toEqual(input)
  expect((await stopped).exitCode).toBe(0)
})

test('a caller that drains gets the answer that it waits for', async () => {
  const { handler, answer, waits } = doing()
  const callee = await startCallee(handler)
  const { client, service } = await startCaller(notes)
  const running = client.wait(input)
  await waits
  const stopped = service.stop()
  answer()
  expect(await running).toEqual(input)
  expect((await stopped).exitCode).toBe(0)
  expect((await callee.stop()).exitCode).toBe(0)
})
