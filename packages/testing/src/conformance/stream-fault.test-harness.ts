import { type Fault, onAnyCall, onAnyReply, onEvents } from './fault.test-harness.ts'
import type { Peer, PeerCall, PeerEvent, PeerFailure } from './harness.ts'

const serverStream = 'a server stream'
const clientStream = 'a client stream'
const bidiStream = 'a bidirectional stream'
const all = [serverStream, clientStream, bidiStream]
const withOutputs = [serverStream, bidiStream]
const withInputs = [clientStream, bidiStream]

/** What a transport can do wrong with streams, and the cases that find it. */
export const streamFaults: readonly Fault[] = [
  {
    what: 'reads a stream ahead of its caller',
    alter: onEvents(pumped),
    found: [
      'flow: a caller that does not read holds back the handler of a server stream',
      'flow: a caller that does not read holds back the handler of a bidirectional stream, and by it itself',
    ],
  },
  {
    what: 'takes the items of a caller ahead of the handler',
    alter: onAnyCall(({ inputs }) => ({ inputs: inputs && pumped(inputs) })),
    found: withInputs.map((kind) => `flow: a handler that does not read holds back the caller of ${kind}`),
  },
  {
    what: 'waits for all that a caller has to say',
    alter: onAnyCall(({ inputs }) => ({ inputs: inputs && gathered(inputs) })),
    found: [
      'flow: a handler may answer before its caller has said all',
      'stream: items go both ways, each answer before the next question',
    ],
  },
  {
    what: 'does not tell that the caller of a stream has left',
    alter: deaf,
    found: [
      ...all.map((kind) => `leave: a caller that leaves ${kind} ends its handler`),
      ...withOutputs.map((kind) => `leave: a caller that stops reading ${kind} ends its handler`),
      ...withInputs.map((kind) => `leave: a caller that leaves ${kind} while its input lies unread ends its handler`),
      ...withInputs.map((kind) => `leave: a caller that leaves ${kind} while it is held back ends its handler`),
    ],
  },
  {
    what: 'takes an input that breaks off for one that is complete',
    alter: onAnyCall(({ inputs }) => ({ inputs: inputs && ending(inputs) })),
    found: withInputs.flatMap((kind) => [
      `leave: an input of ${kind} that breaks off is cancelled, and never complete`,
      `leave: an input of ${kind} that breaks off while it lies unread is cancelled, and never complete`,
    ]),
  },
  {
    what: 'lets into streams whom the service refuses',
    alter: lenient,
    found: [
      ...all.map((kind) => `streamed: whoever may not call gets nothing of ${kind}`),
      `streamed: a policy decides who may call for ${serverStream}`,
    ],
  },
  {
    what: "tells a stream's time that is over as another code",
    alter: onFailure((failure) =>
      failure.code === 'deadline_exceeded' ? { ...failure, code: 'unavailable' } : failure,
    ),
    found: all.flatMap((kind) => [
      `streamed: the operation's time ends ${kind}, and the handler learns why`,
      `streamed: the caller's time ends ${kind}, and the handler learns why`,
    ]),
  },
  {
    what: 'leaves in place of telling how long the caller of a stream waits',
    alter: impatient,
    found: all.map((kind) => `streamed: the caller's time ends ${kind}, and the handler learns why`),
  },
  {
    what: 'does not tell how long the caller of a stream waits',
    alter: onAnyCall(() => ({ timeoutMs: undefined })),
    found: all.map(
      (kind) => `streamed: what is left of the caller's time goes along with calls in the midst of ${kind}`,
    ),
  },
  {
    what: 'tells what a drain has cut as our own fault',
    alter: onFailure((failure) => (failure.code === 'unavailable' ? { ...failure, code: 'internal' } : failure)),
    found: [
      'drain: a call that the drain deadline finds running is unavailable, and its handler learns why',
      ...all.map((kind) => `drain: the drain deadline ends ${kind} as unavailable, and the handler learns why`),
    ],
  },
  {
    what: 'tells what is beyond a limit as unavailable',
    alter: onFailure((failure) =>
      failure.code === 'resource_exhausted' ? { ...failure, code: 'unavailable' } : failure,
    ),
    found: [
      ...all.map((kind) => `limit: ${kind} keeps its place until it is over`),
      'limit: work that an interceptor leaves behind keeps the place of its call until it has ended',
    ],
  },
  {
    what: 'drops the metadata of streams',
    alter: onAnyCall(() => ({ metadata: {} })),
    found: all.map((kind) => `streamed: what goes along with outgoing calls does so in every step of ${kind}`),
  },
  {
    what: 'drops the headers of streams',
    alter: (peer) => ({
      ...onEvents(async function* (events) {
        for await (const event of events) if (!('headers' in event)) yield event
      })(peer),
      call: async (call) => ({ ...(await peer.call(call)), headers: {} }),
    }),
    found: all.map((kind) => `streamed: a header that the handler sets at the beginning of ${kind} reaches the caller`),
  },
  {
    what: 'drops the trailers of streams',
    alter: (peer) => ({
      ...onEvents(async function* (events) {
        for await (const event of events) if (!('trailers' in event)) yield event
      })(peer),
      call: async (call) => ({ ...(await peer.call(call)), trailers: {} }),
    }),
    found: all.flatMap((kind) => [
      `streamed: a trailer that the handler sets in the midst of ${kind} reaches the caller`,
      `streamed: a trailer reaches the caller with the error that ends ${kind}`,
    ]),
  },
  {
    what: 'makes every call twice',
    alter: twice,
    found: [
      ...all.map((kind) => `streamed: interceptors run once around ${kind}, the first as the outermost`),
      ...all.map((kind) => `streamed: an interceptor goes on once with ${kind}, and a second next() is refused`),
      'interceptor: one goes on once: a second next() is refused, and the handler runs once',
    ],
  },
  {
    what: 'tells a failed precondition as our own fault',
    alter: onFailure((failure) =>
      failure.code === 'failed_precondition' ? { ...failure, code: 'internal' } : failure,
    ),
    found: all.map((kind) => `streamed: an interceptor that throws fails ${kind} with its code`),
  },
  {
    what: 'numbers the items of a stream itself',
    alter: onEvents(async function* (events) {
      let n = 0
      for await (const event of events) {
        if ('item' in event) n += 1
        yield 'item' in event ? { item: { n } } : event
      }
    }),
    found: withOutputs.map((kind) => `streamed: an interceptor may change the items of ${kind}`),
  },
]

/** Everything that comes, as soon as it comes. */
async function* pumped<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item> {
  const items: Item[] = []
  let wake: () => void = () => undefined
  let isOver = false
  const pumping = (async () => {
    try {
      for await (const item of source) {
        items.push(item)
        wake()
      }
    } finally {
      isOver = true
      wake()
    }
  })()
  pumping.catch(() => undefined)
  for (;;) {
    const item = items.shift()
    if (item !== undefined) yield item
    else if (isOver) return await pumping
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}

/** Everything, once there is no more. */
async function* gathered<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item> {
  const items: Item[] = []
  for await (const item of source) items.push(item)
  yield* items
}

/** The same, with an end in place of an error. */
async function* ending<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item> {
  try {
    yield* source
  } catch {
    // As if that had been all.
  }
}

/** Never closes what it reads from. */
async function* unclosed<Item>(source: AsyncIterable<Item>): AsyncGenerator<Item> {
  const iterator = source[Symbol.asyncIterator]()
  for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) yield step.value
}

function deaf(peer: Peer): Partial<Peer> {
  const changed = onAnyCall(() => ({ signal: undefined }))(peer)
  return { ...changed, ...onEvents(unclosed)({ ...peer, ...changed }) }
}

function onFailure(change: (failure: PeerFailure) => PeerFailure): Fault['alter'] {
  return onAnyReply((reply) => (reply.ok ? reply : change(reply)))
}

/** Shows a better credential where the caller's own is refused. */
function lenient(peer: Peer): Partial<Peer> {
  const asAda = (call: PeerCall): PeerCall => ({ ...call, metadata: { authorization: 'Bearer ada' } })
  return {
    call: async (call) => {
      const reply = await peer.call(call)
      return reply.ok ? reply : peer.call(asAda(call))
    },
    stream: async function* (call) {
      const [first, ...rest] = await toArray(streamOf(peer, call))
      if (first && 'failure' in first) yield* streamOf(peer, asAda(call))
      else yield* [first, ...rest].flatMap((event) => event ?? [])
    },
  }
}

/** Acts on the caller's time itself, so that the service takes it for one who has left. */
function impatient(peer: Peer): Partial<Peer> {
  const leaving = onAnyCall(({ timeoutMs, signal }) => ({
    timeoutMs: undefined,
    signal: timeoutMs === undefined ? signal : AbortSignal.timeout(timeoutMs),
  }))(peer)
  const told = onFailure((failure) =>
    failure.code === 'cancelled' ? { ...failure, code: 'deadline_exceeded' } : failure,
  )
  return told({ ...peer, ...leaving })
}

function twice(peer: Peer): Partial<Peer> {
  const again = async (call: PeerCall): Promise<readonly PeerCall[]> => {
    const inputs = call.inputs && (await toArray(call.inputs))
    return [call, call].map((one) => ({ ...one, inputs: inputs && replayed(inputs) }))
  }
  return {
    call: async (call) => {
      const [first = call, second = call] = await again(call)
      await peer.call(first)
      return peer.call(second)
    },
    stream: async function* (call) {
      const [first = call, second = call] = await again(call)
      await toArray(streamOf(peer, first))
      yield* streamOf(peer, second)
    },
  }
}

async function* replayed(items: readonly unknown[]): AsyncGenerator<unknown> {
  yield* items
}

async function toArray<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

function streamOf(peer: Peer, call: PeerCall): AsyncIterable<PeerEvent> {
  if (peer.stream === undefined) throw new TypeError('the peer has no streams')
  return peer.stream(call)
}
