import { defineHandler, defineService, inject, Publisher } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import type { Transport } from '@tenon/core/transport'
import { Type } from '@tenon/core/typebox'
import { queueTransport } from '@tenon/transport-queue'
import { benchDriver } from './queue-driver.ts'

const desk = contract('bench.v1.DeskService', { open: { input: Type.Object({}), output: Type.Object({}) } })

/** Starts a service and runs the work with its publisher, inside a call, as handlers do. The service goes on. */
export async function withPublisher(work: (publisher: Publisher) => Promise<void>): Promise<void> {
  const opened = Promise.withResolvers<() => Promise<unknown>>()
  const handler = defineHandler(desk, () => {
    const publisher = inject(Publisher)
    return {
      open: async () => {
        await work(publisher)
        return {}
      },
    }
  })
  const service = defineService({
    name: 'bench',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [queueTransport({ driver: benchDriver() }), callOnce(opened.resolve)],
  })
  await service.start()
  const open = await opened.promise
  await open()
}

/** A transport that hands over how its one operation is called. */
function callOnce(found: (call: () => Promise<unknown>) => void): Transport {
  return {
    name: 'bench',
    carries: () => true,
    bind: ({ operations: [operation] }) => ({
      listen: async () => {
        found(async () => operation?.dispatch({ transport: 'bench', metadata: {}, decode: () => ({}) }))
        return []
      },
      withdraw: () => undefined,
      drain: async () => undefined,
      close: async () => undefined,
    }),
  }
}
