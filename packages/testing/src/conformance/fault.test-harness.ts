import { conformanceCases } from './conformance-cases.ts'
import type { ConformanceHarness, Peer, PeerCall, PeerEvent, PeerReply } from './harness.ts'
import { memoryHarness } from './memory-harness.ts'

/** Puts something between a peer and its caller. */
export type Alter = (peer: Peer) => Partial<Peer>

/** A transport that is right but for one thing. */
export interface Fault {
  readonly what: string
  readonly alter: Alter
  /** Cases that must find it. */
  readonly found: readonly string[]
}

export const onCall =
  (change: (call: PeerCall) => Partial<PeerCall>): Alter =>
  (peer) => ({ call: (call) => peer.call({ ...call, ...change(call) }) })

export const onReply =
  (change: (reply: PeerReply) => PeerReply): Alter =>
  (peer) => ({ call: async (call) => change(await peer.call(call)) })

export const onEvents =
  (change: (events: AsyncIterable<PeerEvent>) => AsyncIterable<PeerEvent>): Alter =>
  (peer) => ({ stream: (call) => change(peer.stream?.(call) ?? nothing()) })

/** For streams too. */
export const onAnyCall =
  (change: (call: PeerCall) => Partial<PeerCall>): Alter =>
  (peer) => ({
    call: (call) => peer.call({ ...call, ...change(call) }),
    stream: (call) => peer.stream?.({ ...call, ...change(call) }) ?? nothing(),
  })

/** For what ends a stream too. */
export const onAnyReply =
  (change: (reply: PeerReply) => PeerReply): Alter =>
  (peer) => ({ ...onReply(change)(peer), ...onEvents((events) => changedEnd(events, change))(peer) })

async function* changedEnd(
  events: AsyncIterable<PeerEvent>,
  change: (reply: PeerReply) => PeerReply,
): AsyncGenerator<PeerEvent> {
  for await (const event of events) {
    const changed = 'failure' in event ? change(event.failure) : undefined
    yield changed?.ok === false ? { failure: changed } : event
  }
}

/** Changes every value inside a value. */
export function mapped(value: unknown, change: (one: unknown) => unknown): unknown {
  if (Array.isArray(value)) return change(value.map((item) => mapped(item, change)))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return change(value)
  return change(Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapped(one, change)])))
}

async function* nothing(): AsyncGenerator<never> {}

/** The memory transport with something between peer and caller. */
export function altered(alter: Alter): ConformanceHarness {
  const right = memoryHarness()
  return {
    ...right,
    caseLimitMs: 1_000,
    start: async (service) => {
      const peer = await right.start(service)
      return { ...peer, ...alter(peer) }
    },
  }
}

/** The cases of these groups that a transport fails. */
export async function failuresOf(harness: ConformanceHarness, groups: ReadonlySet<string>): Promise<readonly string[]> {
  const cases = conformanceCases(harness).filter(({ group, lacks }) => groups.has(group) && !lacks)
  const tried = await Promise.all(
    cases.map(({ title, run }) =>
      run().then(
        () => [],
        () => [title],
      ),
    ),
  )
  return tried.flat()
}
