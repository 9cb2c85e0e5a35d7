import { pbkdf2Sync } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { httpTransport } from '@tenon/transport-http'
import { ready } from './ready.ts'

const work = contract('demo.v1.WorkService', {
  work: { input: Type.Object({}), output: Type.Object({ ok: Type.Boolean() }), http: 'GET /v1/work' },
})

/** What a call computes, some 0.7 ms of a core that does nothing else, and how long it waits for somebody else. */
const iterationCount = 4_000
const waitMs = 5

/** A service that can do little, with limits that keep it from more. */
const service = await defineService({
  name: 'work',
  version: '1.0.0',
  admin: { port: 0 },
  maxConcurrentCalls: 16,
  maxQueuedCalls: 16,
  handlers: [
    defineHandler(work, () => ({
      work: async () => {
        pbkdf2Sync('password', 'salt', iterationCount, 32, 'sha256')
        await wait(waitMs)
        return { ok: true }
      },
    })),
  ],
  transports: () => [httpTransport({ port: 0, probes: true, connectionLimit: 200 })],
}).start()

const portOf = (protocol: string) => service.addresses.find((one) => one.protocol === protocol)?.port ?? 0
ready(portOf('http'), portOf('admin'))
