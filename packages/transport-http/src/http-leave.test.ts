import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Call, defineHandler, defineService } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from './index.ts'

const Line = Type.Object({ text: Type.String() })
const lines = contract('demo.v1.Leavers', {
  count: { input: stream(Line), output: Type.Object({ count: Type.Integer() }), http: 'POST /v1/lines' },
  echo: { input: stream(Line), output: stream(Line), http: 'POST /v1/lines:echo' },
})
type Lines = AsyncIterable<{ readonly text: string }>

/** How a handler waits for the end of its call before it has read all, or anything, of its input. */
const waits: Readonly<Record<string, (items: Lines, call: Call) => Promise<void>>> = {
  nothing: (_items, call) => ended(call),
  'one item': async (items, call) => {
    for await (const _ of items) await ended(call)
  },
  'one item and no more': async (items, call) => {
    for await (const _ of items) break
    await ended(call)
  },
}

async function ended({ signal }: Call): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}

/** A service that has one place, which a call holds until its handler has ended. */
async function start(wait: (items: Lines, call: Call) => Promise<void>) {
  const began = Promise.withResolvers<void>()
  const over = Promise.withResolvers<unknown>()
  let isFirst = true
  const run = async (items: Lines, call: Call) => {
    if (!isFirst) return
    isFirst = false
    began.resolve()
    await wait(items, call).finally(() => over.resolve(call.signal.reason))
  }
  const started = await defineService({
    name: 'lines',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(lines, () => ({
        count: async (items, call) => {
          await run(items, call)
          return { count: 0 }
        },
        echo: async function* (items, call) {
          yield { text: 'early' }
          await run(items, call)
        },
      })),
    ],
    transports: () => [httpTransport({ port: 0 })],
    maxConcurrentCalls: 1,
    maxQueuedCalls: 0,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  return {
    started,
    port,
    url: `http://127.0.0.1:${port}`,
    began: began.promise,
    over: over.promise,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

const head = (path: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`
const line = `${JSON.stringify({ text: 'x'.repeat(986) })}\n`

/** Sends the lines of a body that goes on, and resolves when the system has taken all of them. */
async function send(socket: Socket, path: string, kilobytes: number): Promise<void> {
  const text = line.repeat(kilobytes)
  await new Promise((resolve) => socket.write(`${head(path)}${text.length.toString(16)}\r\n${text}\r\n`, resolve))
}

const leaving = Object.keys(waits).flatMap((read) =>
  [200, 1_000, 3_000].flatMap((kilobytes) =>
    ['/v1/lines', '/v1/lines:echo'].map((path) => [read, kilobytes, path] as const),
  ),
)

test.each(leaving)(
  'a caller that leaves is noticed while %s of its %d KB is read (%s)',
  async (read, kilobytes, path) => {
    await using demo = await start(waits[read] ?? ended)
    const socket = connect(demo.port, '127.0.0.1').on('error', () => undefined)
    await Promise.all([send(socket, path, kilobytes), demo.began])
    socket.destroy()
    expect(await demo.over).toMatchObject({ code: 'cancelled' })
    const next = await fetch(`${demo.url}/v1/lines`, { method: 'POST' })
    expect([next.status, await next.json()]).toEqual([200, { count: 0 }])
    expect((await demo.started.stop()).exitCode).toBe(0)
  },
)
