import type { ClientTransport } from '@tenon/core/client'
import type { Operation } from '@tenon/core/contract'
import { type CallLane, callLane, freshChannel } from '../load/call-lane.ts'
import { MessageLedger } from '../load/message-ledger.ts'
import { type MessageSender, openSender } from '../load/message-sender.ts'
import { type Lane, OpenLoad } from '../load/open-load.ts'
import { Tally } from '../load/tally.ts'
import type { SampleBook } from '../sample/sample-book.ts'
import type { HandledMessage } from '../instance/instance-message.ts'
import type { Rollout } from './rollout.ts'
import type { ServiceReport, TransportReport } from './report.ts'
import { uncovered } from './uncovered.ts'

/** What is sent to one service, by all its transports. */
export interface ServiceLoad extends AsyncDisposable {
  readonly ledger: MessageLedger
  /** What nothing is sent to, though nobody has left it out, each with the reason. */
  readonly uncovered: readonly string[]
  /** A handler of the service came to an end with a message. */
  handled(message: HandledMessage): void
  /** What cannot be sent, each with what to do; nothing was sent yet but one call of each operation. */
  tryOnce(): Promise<readonly string[]>
  start(perSecond: number): void
  finish(): Promise<void>
  counts(): ServiceReport['transports']
}

/** Where a service is called, and how long its instances still serve after they have turned away. */
type CalledService = Pick<Rollout, 'service' | 'addressOf' | 'delayMs'>

/** Prepares the load of a service whose first instance is ready. */
export async function prepareLoad(rollout: CalledService, book: SampleBook, idPrefix: string): Promise<ServiceLoad> {
  const clients = await Promise.all(protocols.map((protocol) => openClient(rollout, protocol)))
  const calls = clients.flatMap((client) => (client ? lanesOf(rollout.service.operations, client, book) : []))
  const sender = await openSender(rollout.service, idPrefix)
  return new PreparedLoad(rollout, { book, calls, sender, closers: clients.flatMap((client) => client?.close ?? []) })
}

const protocols = ['http', 'grpc'] as const

interface ProtocolClient {
  readonly protocol: (typeof protocols)[number]
  readonly via: ClientTransport
  readonly address: string
  close(): Promise<void>
  readonly open: Map<string, ReturnType<ClientTransport['open']>>
}

async function openClient(
  rollout: CalledService,
  protocol: ProtocolClient['protocol'],
): Promise<ProtocolClient | undefined> {
  const address = rollout.addressOf(protocol)
  if (address === undefined) return undefined
  const open: ProtocolClient['open'] = new Map()
  const close = async () => void (await Promise.all([...open.values()].map((channel) => channel.close())))
  return { protocol, via: await importClient(protocol, rollout.delayMs), address, open, close }
}

/** Longest time that a client keeps an idle connection by itself, in milliseconds. */
const keepAliveMs = 4_000

/**
 * A service that listens for a protocol has its package. Idle connections are kept for half as long as instances still serve after
 * they have turned away: one that is idle for longer learns nothing of the end of its instance before a call is sent on it.
 */
async function importClient(protocol: ProtocolClient['protocol'], delayMs: number): Promise<ClientTransport> {
  const keepAliveTimeoutMs = Math.max(1, Math.min(keepAliveMs, Math.floor(delayMs / 2)))
  if (protocol === 'http') return (await import('@tenon/transport-http')).httpClient({ keepAliveTimeoutMs })
  return (await import('@tenon/transport-grpc')).grpcClient()
}

interface TransportLane {
  /** `http`, `http stream`, `grpc`, … */
  readonly transport: string
  readonly lane: CallLane
}

function lanesOf(operations: readonly Operation[], client: ProtocolClient, book: SampleBook): readonly TransportLane[] {
  const { protocol, via, address, open } = client
  const carried = operations.filter(({ http, grpc }) => (protocol === 'http' ? http !== undefined : grpc))
  return [...Map.groupBy(carried, ({ contract }) => contract)].flatMap(([name, ofContract]) => {
    const target = { contract: { name, operations: ofContract.map(sentOnce) }, address }
    const kept = via.open(target)
    open.set(name, kept)
    const channels = protocol === 'http' ? [kept, freshChannel(via, target)] : [kept]
    return ofContract.flatMap((operation) => {
      const source = book.ofOperation(operation)
      const transport = operation.kind === 'unary' ? protocol : `${protocol} stream`
      return source
        ? channels.map((channel) => ({ transport, lane: callLane({ operation, source, channel, book }) }))
        : []
    })
  })
}

/** A client sends what does no harm twice once more when its connection was dropped, which would hide from the verdict what a rollout drops. */
function sentOnce(operation: Operation): Operation {
  return { ...operation, idempotency: 'none' }
}

interface LoadParts {
  readonly book: SampleBook
  readonly calls: readonly TransportLane[]
  readonly sender: MessageSender | undefined
  readonly closers: readonly (() => Promise<void>)[]
}

/** Longest wait for the first message of a topic to be handled, in milliseconds: a new group may have to be joined first. */
const firstMessageMs = 30_000

class PreparedLoad implements ServiceLoad {
  readonly ledger = new MessageLedger()
  readonly uncovered: readonly string[]
  readonly #parts: LoadParts
  readonly #tallies = new Map<string, Tally>()
  readonly #messages: readonly Lane[]
  readonly #answers = new Map<string, ReadonlySet<string>>()
  #loads: readonly OpenLoad[] = []

  constructor({ service }: CalledService, parts: LoadParts) {
    this.#parts = parts
    const { sender, book } = parts
    this.#messages = service.topics.flatMap((topic) => {
      const source =
        'event' in topic.message ? book.ofEvent(topic.message.event) : book.ofOperation(topic.message.command)
      if (source) this.#answers.set(topic.topic, source.expects)
      return sender && source ? [sender.lane(topic, source, this.ledger)] : []
    })
    for (const { transport } of parts.calls) this.#tallies.set(transport, new Tally())
    this.uncovered = uncovered(service, book, {
      called: new Set(parts.calls.map(({ lane }) => lane.operation.id)),
      published: new Set(this.#messages.map(({ id }) => id)),
    })
  }

  handled(message: HandledMessage): void {
    const answers = this.#answers.get(message.topic)
    this.ledger.handled(message, (code) => answers?.has(code) === true)
  }

  async tryOnce(): Promise<readonly string[]> {
    const problems: string[] = []
    for (const { transport, lane } of this.#parts.calls) {
      const { id } = lane.operation
      const result = await lane.call()
      if (!result.ok && !problems.some((problem) => problem.startsWith(id)))
        problems.push(`${id} over ${transport}: ${result.code}: ${result.message}`)
    }
    for (const lane of this.#messages) await lane.send()
    await this.ledger.settleOnce(firstMessageMs)
    return [...problems, ...this.#unhandled()]
  }

  start(perSecond: number): void {
    const byTransport = [...Map.groupBy(this.#parts.calls, ({ transport }) => transport)]
    const loads = byTransport.map(([transport, lanes]) => {
      const tally = this.#tallies.get(transport) ?? new Tally()
      return lanes.map(({ lane }) => tallied(lane, tally))
    })
    this.#loads = [...loads, this.#messages]
      .filter((lanes) => lanes.length > 0)
      .map((lanes) => new OpenLoad(lanes, perSecond))
    for (const load of this.#loads) load.start()
  }

  async finish(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.finish()))
  }

  counts(): readonly TransportReport[] {
    const calls = [...this.#tallies].map(([transport, tally]) => ({ transport, ...tally.count() }))
    if (this.#messages.length === 0) return calls
    const { lostBy: _lostBy, ...messages } = this.ledger.count()
    return [...calls, { transport: 'queue', ...messages }]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#parts.closers.map((close) => close()))
    await this.#parts.sender?.[Symbol.asyncDispose]()
  }

  #unhandled(): readonly string[] {
    const { failures } = this.ledger.count()
    const failed = failures.map(({ operation, code, message }) => `${operation} on the queue: ${code}: ${message}`)
    const silent = this.#messages
      .filter(({ id }) => !this.ledger.hasHandled(id) && !failures.some(({ operation }) => operation === id))
      .map(({ id }) => `${id} on the queue: no message reached a handler; a queue in memory is no other process's`)
    return [...failed, ...silent]
  }
}

function tallied(lane: CallLane, tally: Tally): Lane {
  return {
    id: lane.operation.id,
    send: async () => {
      tally.sent()
      tally.note(lane.operation.id, await lane.call())
    },
  }
}
