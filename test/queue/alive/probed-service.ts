import { type Call, defineConsumer, defineService, type StartedService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import type { Address, Logger, Transport } from '@tenon/core/transport'
import { type QueueDriver, type QueueOptions, queueTransport } from '@tenon/transport-queue'
import { Type } from 'typebox'
import { type ProbeAnswer, ask, probesOf } from './probe.ts'

export interface ProbedOptions {
  readonly driver: QueueDriver
  readonly topic: string
  readonly group: string
  /** What is done with a message. @defaultValue nothing */
  readonly handle?: (id: string, call: Call) => unknown
  readonly queue?: Partial<QueueOptions>
  /** Transports beside the queue. @defaultValue none */
  readonly beside?: readonly Transport[]
}

/** A service with one consumer of messages `{ id }`, and with probes. */
export function probedService({ driver, topic, group, handle, queue = {}, beside = [] }: ProbedOptions) {
  const happened = event(topic, { key: 'id', payload: Type.Object({ id: Type.String() }) })
  return defineService({
    name: 'probed',
    version: '1.0.0',
    handlers: [
      defineConsumer(
        happened,
        () =>
          async ({ id }, call) =>
            handle?.(id, call),
        { group },
      ),
    ],
    transports: () => [queueTransport({ driver, joinTimeoutMs: 30_000, ...queue }), ...beside],
    admin: { port: 0 },
    log: { level: 'warn', calls: 'none' },
    shutdownTimeoutMs: 10_000,
  })
}

/** Such a service in this process. Disposing stops it. */
export interface RunningProbed extends AsyncDisposable {
  readonly service: StartedService
  /** Where its probes are. */
  readonly at: Address
  /** What it has handled, by id. */
  readonly handled: readonly string[]
  /** What its log has said at `error`. */
  readonly errors: readonly string[]
  ask(path: string): Promise<ProbeAnswer>
}

export async function startProbed(options: ProbedOptions): Promise<RunningProbed> {
  const handled: string[] = []
  const errors: string[] = []
  const handle = async (id: string, call: Call) => {
    await options.handle?.(id, call)
    handled.push(id)
  }
  const service = await probedService({ ...options, handle }).start({ environment: {}, log: errorsInto(errors) })
  const at = probesOf(service.addresses)
  return {
    service,
    at,
    handled,
    errors,
    ask: (path) => ask(at, path),
    [Symbol.asyncDispose]: async () => void (await service.stop()),
  }
}

/** Sends messages, each with its id as its key. */
export async function send(
  driver: QueueDriver,
  { topic, partition }: { readonly topic: string; readonly partition?: number },
  ids: readonly string[],
): Promise<void> {
  const records = ids.map((id) => ({
    topic,
    ...(partition !== undefined && { partition }),
    key: Buffer.from(id),
    value: Buffer.from(JSON.stringify({ id })),
    headers: [],
  }))
  await driver.produce(records, { timeoutMs: 20_000 })
}

/** @throws Error while the group has not committed all that lies in the topic */
export async function requireCommitted(driver: QueueDriver, topic: string, group: string): Promise<void> {
  const progress = await driver.describe(topic, group)
  const open = progress.filter(({ nextOffset, committedOffset = 0 }) => committedOffset < nextOffset)
  if (open.length > 0) throw new Error(`not committed in ${topic}: ${JSON.stringify(open)}`)
}

function errorsInto(errors: string[]): Logger {
  const nothing = () => undefined
  const error = (_facts: object, text?: string) => void errors.push(text ?? '')
  const made: Logger = { debug: nothing, info: nothing, warn: nothing, error, child: () => made }
  return made
}
