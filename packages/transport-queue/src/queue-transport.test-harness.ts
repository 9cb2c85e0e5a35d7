import { event } from '@tenon/core/contract'
import {
  type Arrival,
  compileSchema,
  type DeliveryOptions,
  invalidArgument,
  type Logger,
  type Outcome,
  toServiceError,
  type TransportServer,
} from '@tenon/core/transport'
import Type from 'typebox'
import { onTestFinished } from 'vitest'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { type MemoryBroker, memoryBroker } from './driver/memory/memory-broker.ts'
import type { ReceivedRecord, RecordToSend } from './queue-driver.ts'
import type { QueueOptions } from './queue-options.ts'
import { queueTransport } from './queue-transport.ts'

export interface Placed {
  readonly orderId: string
  readonly count: number
}
const Placed = Type.Object({ orderId: Type.String(), count: Type.Integer() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Placed })
export const topic = placed.topic
export const deadLetters = `${topic}.dlq.user`

export type Handle = (payload: Placed, arrival: Arrival) => Promise<unknown>

const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
export const host = {
  service: { name: 'user', version: '1.0.0', instanceId: 'user-1' },
  operations: [],
  events: [],
  defaultHost: '127.0.0.1',
  log,
  fail: (error: unknown) => {
    throw error
  },
}

/** A logger that keeps what it is told, with the level before it; children keep it in the same place. */
export function logInto(told: unknown[]): Logger {
  const at =
    (level: string) =>
    (...given: readonly unknown[]) =>
      void told.push([level, ...given])
  const made: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => made }
  return made
}

/** What a consumer is started with. */
export interface StartOptions extends Partial<QueueOptions> {
  readonly log?: Logger
  /** What the consumer says of itself. */
  readonly delivery?: DeliveryOptions
}

/** A service with one consumer, dispatching as the core does. */
export function bind(
  broker: MemoryBroker,
  handle: Handle,
  { log: ownLog = log, delivery = {}, ...options }: StartOptions = {},
  group = 'user',
) {
  const failed = Promise.withResolvers<unknown>()
  const schema = compileSchema(Placed)
  const dispatch = async (arrival: Arrival): Promise<Outcome> => {
    try {
      const input = await schema.read(arrival.decode())
      if (!input.ok) throw invalidArgument(input.violations)
      return { ok: true, value: await handle(input.value as Placed, arrival), callId: 'c', headers: undefined }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), callId: 'c', headers: undefined }
    }
  }
  const transport = queueTransport({ driver: memoryDriver({ broker }), ...options })
  const events = [{ event: placed, group, delivery, dispatch }]
  const server = transport.bind({ ...host, events, log: ownLog, fail: failed.resolve })
  return { transport, server, failed: failed.promise }
}

export async function start(broker: MemoryBroker, handle: Handle, options?: StartOptions, group?: string) {
  const { transport, server, failed } = bind(broker, handle, options, group)
  await server.listen()
  onTestFinished(() => server.close())
  return { transport, server, failed, onDeadLetter: deadLetterIn(broker) }
}

/** Resolves with the first dead letter. */
async function deadLetterIn(broker: MemoryBroker): Promise<void> {
  const driver = memoryDriver({ broker })
  const found = Promise.withResolvers<void>()
  const member = await driver.join(
    {
      group: 'undertaker',
      topics: [deadLetters],
      log,
      consume: async (partition) => {
        if ((await partition.fetch()).length > 0) found.resolve()
      },
      fail: () => undefined,
    },
    new AbortController().signal,
  )
  onTestFinished(() => member.leave(AbortSignal.abort()))
  await found.promise
}

/** The count of the message that the group is given first from now on. */
export async function firstSeen(broker: MemoryBroker): Promise<number> {
  const first = Promise.withResolvers<number>()
  const { server }: { server: TransportServer } = await start(broker, async ({ count }) => first.resolve(count))
  const count = await first.promise
  await server.close()
  return count
}

export async function seeded(records: readonly RecordToSend[]): Promise<MemoryBroker> {
  const broker = memoryBroker({ partitionCount: 1 })
  await memoryDriver({ broker }).produce(records, { timeoutMs: 1 })
  return broker
}

export function messages(length: number): readonly RecordToSend[] {
  return Array.from({ length }, (_, count) => toRecord(JSON.stringify({ orderId: 'k', count })))
}

export function toRecord(value: string, key = 'k', headers: Readonly<Record<string, string>> = {}): RecordToSend {
  const asBytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { topic, key: Buffer.from(key), value: Buffer.from(value), headers: asBytes }
}

export function headersOf(record: ReceivedRecord | undefined): Record<string, string> {
  return Object.fromEntries((record?.headers ?? []).map(([name, value]) => [name, String(value)]))
}

export function countsOf(orderId: string, seen: readonly Placed[]): readonly number[] {
  return seen.filter((one) => one.orderId === orderId).map(({ count }) => count)
}

export function countdown(count: number) {
  const { promise: reached, resolve } = Promise.withResolvers<void>()
  return { reached, tick: () => void (--count === 0 && resolve()) }
}

/** A clock that only moves by being waited for. */
export function fakeClock(startedAt = 0) {
  let now = startedAt
  const waitedMs: number[] = []
  return {
    waitedMs,
    now: () => now,
    wait: async (durationMs: number) => {
      waitedMs.push(durationMs)
      now += durationMs
    },
  }
}
