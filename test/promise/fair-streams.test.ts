import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { contract, contractInfo, stream } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { expect, test } from 'vitest'

const Item = Type.Object({ value: Type.Optional(Type.Integer()) })
const Count = Type.Object({ count: Type.Integer() })
const greedy = contract('demo.v1.Greedy', {
  sum: { input: stream(Item), output: Count, http: 'POST /v1/sum' },
  hurried: { input: stream(Item), output: Count, timeoutMs: 1_000, http: 'POST /v1/hurried' },
  quick: { input: Type.Object({}), output: Count, http: 'GET /v1/quick' },
})

/** Says to a loop when something else has happened, and how it ended. */
class Watched {
  /** Until then the loop does not begin. */
  readonly arrived = Promise.withResolvers<void>()
  readonly began = Promise.withResolvers<void>()
  readonly ended = Promise.withResolvers<unknown>()
  quickCount = 0
}

/** Handlers that never wait for anything but items that are there already. */
async function start(watched: Watched) {
  const started = await defineService({
    name: 'greedy',
    version: '1.0.0',
    admin: false,
    deregisterDelayMs: 0,
    handlers: [
      defineHandler(greedy, () => ({
        sum: async (items, call) => {
          // Asked for, so that the body is read ahead.
          void call.signal
          await watched.arrived.promise
          watched.began.resolve()
          let count = 0
          // Ends with the items, or when another call was served meanwhile.
          for await (const _ of items) {
            if (watched.quickCount > 0) break
            count += 1
          }
          watched.ended.resolve(watched.quickCount)
          return { count }
        },
        hurried: async (items, call) => {
          void call.signal
          let count = 0
          try {
            for await (const _ of items) {
              count += 1
              // Works on each item for far longer in all than the call may take.
              const untilMs = performance.now() + 1
              while (performance.now() < untilMs);
            }
            watched.ended.resolve('complete')
          } catch (error) {
            watched.ended.resolve(error)
          }
          return { count }
        },
        quick: () => {
          watched.quickCount += 1
          return { count: watched.quickCount }
        },
      })),
    ],
    transports: () => [httpTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  const channel = httpClient().open({ contract: contractInfo(greedy), address: `127.0.0.1:${port}` })
  return {
    port,
    client: buildClient(greedy, channel),
    async [Symbol.asyncDispose]() {
      await channel.close()
      await started.stop()
    },
  }
}

const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const body = '{}\n'.repeat(1_300_000)

test('a call is served while a handler takes millions of items that wait for it', async () => {
  const watched = new Watched()
  await using service = await start(watched)
  // The connection is there before it is needed.
  await service.client.quick({})
  watched.quickCount = 0
  const socket = connect(service.port, '127.0.0.1').on('error', () => undefined)
  await new Promise((resolve) => socket.write(post('/v1/sum', body), resolve))
  // What the system has taken is read within a few turns.
  for (let turns = 0; turns < 300; turns += 1) await setImmediate()
  watched.arrived.resolve()
  await watched.began.promise
  await service.client.quick({})
  expect(await watched.ended.promise).toBe(1)
  socket.destroy()
})

test('a deadline is kept by a handler that computes over items that wait for it', async () => {
  const watched = new Watched()
  await using service = await start(watched)
  const socket = connect(service.port, '127.0.0.1').on('error', () => undefined)
  socket.write(post('/v1/hurried', '{}\n'.repeat(4_000)))
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1.1 504 /)
  expect(await watched.ended.promise).toMatchObject({ code: 'deadline_exceeded' })
  socket.destroy()
})
