import { defineConsumer, defineHandler, defineService, inject, type Payload, Publisher } from '@tenon/core'
import { bytes, contract, event, int64, timestamp, uint64 } from '@tenon/core/contract'
import { type MemoryBroker, memoryDriver, type QueueOptions, queueTransport } from '@tenon/transport-queue'
import Type from 'typebox'

const topic = 'shop.file.stored.v1'
const Stored = Type.Object({
  fileId: Type.String(),
  size: int64(),
  free: uint64(),
  storedAt: timestamp(),
  data: bytes(),
  note: Type.Union([Type.String(), Type.Null()]),
  owners: Type.Record(Type.String(), int64()),
  parts: Type.Array(Type.Object({ name: Type.String(), size: Type.Integer(), ratio: Type.Number() })),
})

/** One event as two publishers declare it, while it changes from one format to the other. */
export const asJson = event(topic, { key: 'fileId', payload: Stored })
export const asProtobuf = event(topic, { key: 'fileId', payload: Stored, format: 'protobuf' })
export type StoredEvent = typeof asJson
export type StoredFile = Payload<StoredEvent>

/** Every type of which JSON and protobuf carry something else than what handlers see. */
export const storedFile: StoredFile = {
  fileId: 'f1',
  size: -(2n ** 63n),
  free: 2n ** 64n - 1n,
  storedAt: '2026-01-31T12:00:00.123456789Z',
  data: Uint8Array.of(0, 127, 255),
  note: null,
  owners: { ada: 2n ** 62n },
  parts: [{ name: 'head', size: 2 ** 52, ratio: 0.1 }],
}

/** A command in protobuf. */
export const files = contract('shop.file.v1.FileService', {
  dropFile: {
    input: Type.Object({ fileId: Type.String(), atSize: int64() }),
    output: Type.Object({}),
    queue: { topic: 'shop.file.drop.v1', key: 'fileId', format: 'protobuf' },
  },
})

type Options = Pick<QueueOptions, 'formats' | 'mode'>
type Handlers = Parameters<typeof defineService>[0]['handlers']

export function serviceOf(name: string, handlers: Handlers, broker: MemoryBroker, options: Options = {}) {
  return defineService({
    name,
    version: '1.0.0',
    admin: false,
    handlers,
    transports: () => [queueTransport({ driver: memoryDriver({ broker }), commitIntervalMs: 0, ...options })],
  })
}

/** Consumes one message after another, each asked for by `next()`. */
export function consumerOf(of: StoredEvent, group: string) {
  const waiting: PromiseWithResolvers<StoredFile>[] = []
  const came: PromiseWithResolvers<StoredFile>[] = []
  const pair = (mine: PromiseWithResolvers<StoredFile>[], other: PromiseWithResolvers<StoredFile>[]) => {
    const known = mine.shift()
    if (known) return known
    const fresh = Promise.withResolvers<StoredFile>()
    other.push(fresh)
    return fresh
  }
  const handler = defineConsumer(of, () => async (payload: StoredFile) => pair(waiting, came).resolve(payload), {
    group,
  })
  return { handler, next: () => pair(came, waiting).promise }
}

/** A handler that does nothing but have the publisher of its service. */
export function publisherOf() {
  const holder = contract('shop.holder.v1.HolderService', {
    hold: {
      input: Type.Object({ id: Type.String() }),
      output: Type.Object({}),
      queue: { topic: 'shop.hold.v1', key: 'id' },
    },
  })
  const found: Publisher[] = []
  const handler = defineHandler(holder, () => {
    found.push(inject(Publisher))
    return { hold: async () => ({}) }
  })
  const get = () => {
    const publisher = found.at(-1)
    if (publisher === undefined) throw new Error('the service has not started')
    return publisher
  }
  return { handler, contract: holder, get }
}
