import { defineHandler, defineService, inject, type StartedService } from '@tenon/core'
import { Publisher, type QueueOperation } from '@tenon/core/client'
import { contract, type Operation } from '@tenon/core/contract'
import { ServiceError, type Transport } from '@tenon/core/transport'
import { Type } from '@tenon/core/typebox'
import type { SampleSource } from '../sample/sample-book.ts'
import type { ConsumedTopic, VerifiedService } from '../verify/verified-service.ts'
import type { MessageLedger } from './message-ledger.ts'
import type { Lane } from './open-load.ts'

/** Publishes by the transports of a service, though nothing of the service itself runs. */
export interface MessageSender extends AsyncDisposable {
  /** Publishes samples of a topic, and writes them into the ledger. */
  lane(topic: ConsumedTopic, source: SampleSource, ledger: MessageLedger): Lane
}

/** Undefined for a service that no queue belongs to. @throws LifecycleError, ServiceError when its broker cannot be reached */
export async function openSender(service: VerifiedService, idPrefix: string): Promise<MessageSender | undefined> {
  const queues = service.transports.filter(({ provides = [] }) => provides.some(({ token }) => token === Publisher))
  if (queues.length === 0 || service.topics.length === 0) return undefined
  const { started, publisher } = await startDesk(service, queues)
  let sentCount = 0
  return {
    lane: ({ topic, message, groups }, source, ledger) => ({
      id: topic,
      send: async () => {
        const id = `${idPrefix}${sentCount++}`
        ledger.sent(id, topic, groups)
        try {
          await publish(publisher, message, { value: source.next(), id })
        } catch (error) {
          const code = ServiceError.is(error) ? error.code : 'unknown'
          const result = { ok: false, code, message: textOf(error) } as const
          ledger.notPublished(id, topic, { groups, result })
        }
      },
    }),
    [Symbol.asyncDispose]: async () => {
      await started.stop()
    },
  }
}

const desk = contract('tenon.verify.v1.DeskService', { open: { input: Type.Object({}), output: Type.Object({}) } })

/** A service of nothing but a publisher. Its name is that of the other, which brokers may know. */
async function startDesk({ name, version }: VerifiedService, queues: readonly Transport[]) {
  let publisher: Publisher | undefined
  const handler = defineHandler(desk, () => {
    publisher = inject(Publisher)
    return { open: () => ({}) }
  })
  const started: StartedService = await defineService({
    name,
    version,
    handlers: [handler],
    transports: () => [...queues, closedTransport],
    admin: false,
    deregisterDelayMs: 0,
    log: { calls: 'none' },
  }).start({ log: silent })
  if (publisher === undefined) throw new TypeError('the handler was not constructed')
  return { started, publisher }
}

/** Makes the desk's one operation reachable for the plan, and for nobody else. */
const closedTransport: Transport = {
  name: 'tenon-verify',
  carries: ({ contract: of }) => of === 'tenon.verify.v1.DeskService',
  bind: () => ({
    listen: async () => [],
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => undefined,
  }),
}

const nothing = () => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent }

function publish(
  publisher: Publisher,
  message: ConsumedTopic['message'],
  { value, id }: { readonly value: unknown; readonly id: string },
): Promise<void> {
  // The source has checked the value against the schema.
  if ('event' in message) return publisher.publish(message.event, value as never, { id })
  return publisher.send(message.command as Operation & QueueOperation, value as never, { id })
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
