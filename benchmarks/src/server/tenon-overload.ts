import { pbkdf2Sync } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import {
  defineConsumer,
  defineHandler,
  defineService,
  inject,
  Publisher,
  type ServerRefusal,
  serverRefusalChannelName,
} from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import { ready } from './ready.ts'

const work = contract('demo.v1.WorkService', {
  work: { input: Type.Object({}), output: Type.Object({ ok: Type.Boolean() }), http: 'GET /v1/work' },
})
const Counts = Type.Object({
  handled: Type.Integer(),
  repeated: Type.Integer(),
  computed: Type.Integer(),
  computeMicroseconds: Type.Integer(),
  refusedLate: Type.Integer(),
})
const watch = contract('demo.v1.WatchService', {
  publish: { input: Type.Object({ count: Type.Integer() }), output: Type.Object({}), http: 'POST /v1/publish' },
  counts: { input: Type.Object({}), output: Counts, http: 'GET /v1/counts' },
})
const noted = event('demo.noted.v1', { key: 'noteId', payload: Type.Object({ noteId: Type.String() }) })

/** What a call computes: some 1 ms of a core that does nothing else, where refusing costs most beside it. */
const iterationCount = 8_000
const compute = () => void pbkdf2Sync('password', 'salt', iterationCount, 32, 'sha256')

/** Calls that were computed, and what of the core that took: where others have it meanwhile, time alone would say more. */
let computed = 0
let computeMicroseconds = 0
/** Calls that waited and were refused then: they were read for nothing. */
let refusedLate = 0
subscribe(serverRefusalChannelName, (refusal) => {
  if ((refusal as ServerRefusal).reason !== 'no_room') refusedLate += 1
})
const handled = new Map<string, number>()

const service = await defineService({
  name: 'work',
  version: '1.0.0',
  admin: { port: 0 },
  overload: {},
  handlers: [
    defineHandler(work, () => ({
      work: async () => {
        const before = process.cpuUsage()
        compute()
        const { user, system } = process.cpuUsage(before)
        computed += 1
        computeMicroseconds += user + system
        return { ok: true }
      },
    })),
    defineHandler(
      watch,
      () => {
        const publisher = inject(Publisher)
        return {
          publish: async ({ count }) => {
            const noteIds = Array.from({ length: count }, (_, index) => ({ noteId: String(index) }))
            await Promise.all(noteIds.map((note) => publisher.publish(noted, note)))
            return {}
          },
          counts: async () => {
            const repeated = [...handled.values()].filter((count) => count > 1).length
            return { handled: handled.size, repeated, computed, computeMicroseconds, refusedLate }
          },
        }
      },
      { operations: { publish: { criticality: 'critical_plus' }, counts: { criticality: 'critical_plus' } } },
    ),
    defineConsumer(noted, () => async ({ noteId }) => {
      compute()
      handled.set(noteId, (handled.get(noteId) ?? 0) + 1)
    }),
  ],
  transports: () => [
    httpTransport({ port: 0 }),
    grpcTransport({ port: 0 }),
    queueTransport({ driver: memoryDriver({ broker: memoryBroker() }) }),
  ],
}).start()

const portOf = (protocol: string) => service.addresses.find((one) => one.protocol === protocol)?.port ?? 0
ready(portOf('http'), portOf('admin'))
