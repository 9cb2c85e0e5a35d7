import { type Client, clientOf, defineService, hook, remote, type RemoteOptions } from '@tenon/core'
import { memoryRegistry } from '@tenon/core/registry'
import { grpcClient } from '@tenon/transport-grpc'
import { httpClient } from '@tenon/transport-http'
import { pairedRounds, spreadOf } from '../statistic.ts'
import { ready } from './ready.ts'
import { shop } from './shop.ts'

/** Asks for so many calls of each client. */
export interface CallQuestion {
  readonly callCount: number
}

/** What a call took, in microseconds of CPU of this process. */
export interface CallAnswer {
  /** Of a bare client. */
  readonly bareMicroseconds: number
  /** How much more of the client that chooses and guards. */
  readonly aboveMicroseconds: number
}

/** So few in a row that a machine which grows slower or faster hits both clients alike. */
const callsInRow = 50

const { BENCH_PROTOCOL: protocol = '', BENCH_PORTS: ports = '' } = process.env
const via = protocol === 'grpc' ? grpcClient() : httpClient()
const places = ports.split(',').map(Number)
const registry = memoryRegistry()
const { signal } = new AbortController()
for (const port of places)
  await registry.announce(
    {
      id: `shop-${port}`,
      name: 'shop',
      version: '1.0.0',
      endpoints: [{ protocol, host: '127.0.0.1', port }],
    },
    { signal },
  )

/** One for each instance, called in turn: as many connections, which cost more to use than one that is always the last used. */
const bare = await Promise.all(places.map((port) => clientAt({ via, at: `static:///127.0.0.1:${port}` })))
const whole = [await clientAt({ via, at: 'registry:///shop', policy: { retry: {}, breaker: true } })]

process.on('message', (question) => {
  if (typeof question !== 'string') void answer(question as CallQuestion)
})
ready(0)

async function answer({ callCount }: CallQuestion): Promise<void> {
  const rows = await pairedRounds(callCount / callsInRow, { ours: () => cpuOf(whole), theirs: () => cpuOf(bare) })
  // Medians, as what else the machine does, and a large collection of garbage, hits single rows.
  process.send?.({
    bareMicroseconds: spreadOf(rows.map(({ theirs }) => theirs)).median,
    aboveMicroseconds: spreadOf(rows.map(({ ours, theirs }) => ours - theirs)).median,
  } satisfies CallAnswer)
}

/** Microseconds of a call. */
async function cpuOf(clients: readonly Client<typeof shop>[]): Promise<number> {
  const before = process.cpuUsage()
  for (let call = 0; call < callsInRow; call += 1) await clients[call % clients.length]?.getUser({ userId: 'u42' })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / callsInRow
}

/** The client of a service that calls nobody else. */
async function clientAt(options: RemoteOptions<typeof shop>): Promise<Client<typeof shop>> {
  const { promise, resolve } = Promise.withResolvers<Client<typeof shop>>()
  const service = defineService({
    name: 'caller',
    version: '1.0.0',
    admin: false,
    handlers: [],
    registry: () => registry,
    remotes: () => [remote(shop, options)],
    onStart: [hook('hand over the client', (client) => resolve(client), { needs: [clientOf(shop)] })],
  })
  await service.start()
  return await promise
}
