import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Call, defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { bytes, contract, contractInfo, stream } from '@tenon/core/contract'
import { type Metadata, ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpClient, httpTransport } from '../index.ts'

const Note = Type.Object({ text: Type.String() })
const notes = contract('demo.told.v1.NoteService', {
  find: { input: Note, output: Note, http: 'GET /v1/note' },
  watch: { input: Note, output: stream(Note), http: 'GET /v1/notes' },
  gather: { input: stream(Note), output: Note, http: 'POST /v1/note:gather' },
  chat: { input: stream(Note), output: stream(Note), http: 'POST /v1/note:chat' },
  download: { input: Note, output: stream(bytes({ mediaType: 'text/plain' })), http: 'GET /v1/note/file' },
})

function say(call: Call): void {
  call.setHeader('x-from', 'a')
  call.setTrailer('x-cost', '12')
  call.setTrailer('x-raw-bin', 'AP/+')
  // Framing is not the handler's to say.
  call.setTrailer('transfer-encoding', 'gzip')
  call.setTrailer('set-cookie', 'a=b')
}

function fail(text: string): void {
  if (text === 'fail') throw new ServiceError('aborted', 'enough')
}

async function answer({ text }: { readonly text: string }, call: Call) {
  say(call)
  fail(text)
  return { text }
}

async function* answerMany({ text }: { readonly text: string }, call: Call) {
  call.setHeader('x-from', 'a')
  yield { text }
  say(call)
  fail(text)
}

async function start() {
  const started = await defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    transports: () => [httpTransport({ port: 0 })],
    handlers: [
      defineHandler(notes, () => ({
        find: answer,
        watch: answerMany,
        gather: async (inputs, call) => {
          let last = { text: '' }
          for await (const input of inputs) last = input
          return answer(last, call)
        },
        chat: async function* (inputs, call) {
          call.setHeader('x-from', 'a')
          for await (const input of inputs) yield* answerMany(input, call)
        },
        download: async function* ({ text }, call) {
          yield Buffer.from(text)
          say(call)
        },
      })),
    ],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  const channel = httpClient().open({ contract: contractInfo(notes), address: `127.0.0.1:${port}` })
  return {
    port,
    client: buildClient(notes, channel),
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

/** Notes what it is told, in its order. */
function listening() {
  const told: [string, Metadata][] = []
  return {
    told,
    options: {
      onHeaders: (headers: Metadata) => void told.push(['headers', headers]),
      onTrailers: (trailers: Metadata) => void told.push(['trailers', trailers]),
    },
  }
}

async function* one(text: string) {
  yield { text }
}

async function outcomeOf(call: Promise<unknown> | AsyncIterable<unknown>): Promise<unknown> {
  try {
    if (call instanceof Promise) return await call
    const items: unknown[] = []
    for await (const item of call as AsyncIterable<unknown>) items.push(item)
    return items
  } catch (error) {
    return ServiceError.is(error) ? error.code : error
  }
}

const trailers = { 'x-cost': '12', 'x-raw-bin': 'AP/+' }

test.each(['find', 'watch', 'gather', 'chat'] as const)(
  'headers and trailers of %s reach the caller, with an error too',
  async (name) => {
    await using demo = await start()
    const call = (text: string, options: object) =>
      name === 'find' || name === 'watch' ? demo.client[name]({ text }, options) : demo.client[name](one(text), options)
    for (const text of ['a', 'fail']) {
      const { told, options } = listening()
      const outcome = await outcomeOf(call(text, options))
      expect(outcome === 'aborted').toBe(text === 'fail')
      expect(told).toEqual([
        ['headers', expect.objectContaining({ 'x-from': 'a' })],
        ['trailers', trailers],
      ])
    }
  },
)

test('trailers come behind bytes too', async () => {
  await using demo = await start()
  const { told, options } = listening()
  await outcomeOf(demo.client.download({ text: 'abc' }, options))
  expect(told.at(-1)).toEqual(['trailers', trailers])
})

test('a caller that takes no trailer fields of a stream gets none', async () => {
  await using demo = await start()
  const reply = await fetch(`http://127.0.0.1:${demo.port}/v1/notes?text=a`)
  expect(await reply.text()).toBe('{"text":"a"}\n')
  const { told, options } = listening()
  await outcomeOf(demo.client.watch({ text: 'a' }, { onHeaders: options.onHeaders }))
  expect(told.map(([what]) => what)).toEqual(['headers'])
})

test('of a reply that answers once, trailers are headers that are named as such', async () => {
  await using demo = await start()
  const reply = await fetch(`http://127.0.0.1:${demo.port}/v1/note?text=a`)
  expect(reply.headers.get('tenon-trailers')).toBe('x-cost, x-raw-bin')
  expect(reply.headers.get('x-cost')).toBe('12')
  expect(reply.headers.get('set-cookie')).toBeNull()
})

test('a reply that is cut in the middle has no trailers', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'tenon-trailers': 'x-cost', 'x-cost': '1' })
    response.write('{')
    setImmediate(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const channel = httpClient().open({ contract: contractInfo(notes), address: `127.0.0.1:${port}` })
  const { told, options } = listening()
  expect(await outcomeOf(buildClient(notes, channel).find({ text: 'a' }, options))).toBe('unavailable')
  expect(told.map(([what]) => what)).toEqual(['headers'])
  await channel.close()
  server.close()
})
