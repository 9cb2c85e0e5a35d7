import { defineConsumer, defineHandler, defineService, inject, Publisher, type ServiceError } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { contract, contractInfo, event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import { expect, test } from 'vitest'

const Nothing = Type.Object({})
const works = contract('demo.v1.WorkService', {
  work: { input: Nothing, output: Nothing, http: 'POST /v1/work' },
  publish: { input: Type.Object({ count: Type.Integer() }), output: Nothing, http: 'POST /v1/publish' },
})
const noted = event('demo.noted.v1', { key: 'noteId', payload: Type.Object({ noteId: Type.String() }) })

const clients = { http: httpClient, grpc: grpcClient }

/** Holds the thread, whatever machine it is. */
function compute(): void {
  const endsAtMs = performance.now() + 2
  while (performance.now() < endsAtMs);
}

async function start(protocol: keyof typeof clients) {
  const handled: string[] = []
  const work = () => {
    compute()
    return {}
  }
  const handler = defineHandler(works, () => {
    const publisher = inject(Publisher)
    return {
      work,
      publish: async ({ count }) => {
        for (let index = 0; index < count; index += 1) await publisher.publish(noted, { noteId: String(index) })
        return {}
      },
    }
  })
  const consumer = defineConsumer(noted, () => ({ noteId }) => {
    compute()
    handled.push(noteId)
  })
  const started = await defineService({
    name: 'work',
    version: '1.0.0',
    admin: { port: 0 },
    overload: {},
    handlers: [handler, consumer],
    transports: () => [
      httpTransport({ port: 0 }),
      grpcTransport({ port: 0 }),
      queueTransport({ driver: memoryDriver({ broker: memoryBroker() }) }),
    ],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses.find((address) => address.protocol === protocol)?.port ?? 0
  const channel = clients[protocol]().open({ contract: contractInfo(works), address: `127.0.0.1:${port}` })
  const client = buildClient(works, channel)
  const adminPort = started.addresses.find((address) => address.protocol === 'admin')?.port ?? 0
  const probe = async (path: string) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).status
  /** What a call came to: nothing, or its error. */
  const call = (criticality: string) =>
    client.work({}, { metadata: { 'x-criticality': criticality } }).then(
      () => undefined,
      (error: unknown) => error as ServiceError,
    )
  return {
    call,
    probe,
    publish: (count: number) => client.publish({ count }, { metadata: { 'x-criticality': 'critical_plus' } }),
    handled,
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started[Symbol.asyncDispose]()
    },
  }
}

const many = <Result>(count: number, make: () => Result) => Array.from({ length: count }, make)

async function inTurn<Result>(count: number, make: () => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = []
  while (results.length < count) results.push(await make())
  return results
}

test.each(['http', 'grpc'] as const)(
  'of too many calls over %s the critical succeed, others are told to come later, no message is lost, and then all succeed',
  async (protocol) => {
    await using service = await start(protocol)
    // From these it learns what calls cost.
    await Promise.all(many(20, () => service.call('critical')))
    await service.publish(40)
    const others = many(400, () => service.call('sheddable'))
    // One after the other: how many may wait at a time is a matter of how fast the machine is.
    const critical = inTurn(5, () => service.call('critical_plus'))
    const probes = many(5, () => Promise.all(['/livez', '/readyz'].map(service.probe)))
    expect(await critical).toEqual(many(5, () => undefined))
    expect(await Promise.all(probes)).toEqual(many(5, () => [200, 200]))
    const refused = (await Promise.all(others)).filter((error) => error !== undefined)
    expect(refused.length).toBeGreaterThan(0)
    for (const error of refused)
      expect(error).toMatchObject({
        code: 'resource_exhausted',
        reason: 'overloaded',
        details: { retryDelayMs: 1_000 },
      })
    await eventually(() => expect(service.handled).toHaveLength(40))
    expect(new Set(service.handled).size).toBe(40)
    await eventually(async () => expect(await service.call('sheddable')).toBeUndefined())
  },
)
