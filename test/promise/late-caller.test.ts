import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { type Call, defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { contract, contractInfo, stream } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { expect, test } from 'vitest'

const Item = Type.Object({ value: Type.Integer() })
const late = contract('demo.v1.Late', {
  one: { input: Item, output: Item, http: 'POST /v1/one' },
  sum: { input: stream(Item), output: Item, http: 'POST /v1/sum' },
  out: { input: Item, output: stream(Item), http: 'POST /v1/out' },
  quick: { input: Item, output: Item, http: 'POST /v1/quick' },
})

const clients = { http: httpClient, grpc: grpcClient }

/** Handlers that note what ended them, and tell the test when little is left of the caller's time. */
async function start(protocol: keyof typeof clients) {
  const leave = new AbortController()
  const told = Promise.withResolvers<unknown>()
  let arrivedAt = Number.POSITIVE_INFINITY
  const untilLate = async (call: Call) => {
    arrivedAt = performance.now()
    while (call.remainingMs() > 20) await setImmediate()
    leave.abort()
  }
  const wait = async (call: Call): Promise<never> => {
    const ended = call.signal.aborted ? undefined : once(call.signal, 'abort')
    await untilLate(call)
    await ended
    told.resolve(call.signal.reason)
    throw call.signal.reason
  }
  const started = await defineService({
    name: 'late',
    version: '1.0.0',
    admin: false,
    deregisterDelayMs: 0,
    handlers: [
      defineHandler(late, () => ({
        one: (_input, call) => wait(call),
        sum: async (items, call) => {
          void untilLate(call)
          try {
            for await (const _ of items);
          } catch (error) {
            told.resolve(error)
            throw error
          }
          return { value: 0 }
        },
        out: async function* (_input, call) {
          yield { value: 1 }
          await wait(call)
        },
        quick: (input) => input,
      })),
    ],
    transports: () => [protocol === 'http' ? httpTransport({ port: 0 }) : grpcTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const address = `127.0.0.1:${started.addresses[0]?.port ?? 0}`
  const channel = clients[protocol]().open({ contract: contractInfo(late), address })
  const client = buildClient(late, channel)
  // A client's time also passes while it loads its library and connects.
  await client.quick({ value: 1 })
  return {
    client,
    told: told.promise,
    /** When a handler had the call, on the clock of the process. */
    get arrivedAt() {
      return arrivedAt
    },
    options: { timeoutMs: 500, signal: leave.signal },
    async [Symbol.asyncDispose]() {
      await channel.close()
      await started.stop()
    },
  }
}

type Demo = Awaited<ReturnType<typeof start>>

const calls = {
  unary: ({ client, options }: Demo) => client.one({ value: 1 }, options),
  'client stream': ({ client, options }: Demo) => {
    const silent = async function* () {
      yield { value: 1 }
      await once(options.signal, 'abort')
    }
    return client.sum(silent(), options)
  },
  'server stream': async ({ client, options }: Demo) => {
    for await (const _ of client.out({ value: 1 }, options));
  },
}

const cases = (['http', 'grpc'] as const).flatMap((protocol) =>
  (['unary', 'client stream', 'server stream'] as const).map((kind) => [kind, protocol] as const),
)

test.each(cases)('a %s over %s whose caller leaves as its time ends has met its deadline', async (kind, protocol) => {
  let wayMs = Number.POSITIVE_INFINITY
  let told: unknown
  // The callee's time ends later by what the call takes to arrive; on a busy machine that is more than callers are forgiven.
  for (let attempt = 0; attempt < 20 && wayMs > 10; attempt++) {
    await using demo = await start(protocol)
    const beganAt = performance.now()
    await expect(calls[kind](demo)).rejects.toMatchObject({ name: 'ServiceError' })
    told = await demo.told
    wayMs = demo.arrivedAt - beganAt
  }
  expect(told).toMatchObject({ code: 'deadline_exceeded' })
})
