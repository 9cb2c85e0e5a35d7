import { stateOf } from './channel-state.ts'
import type { ChannelState, ConnectionUse } from './client-transport.ts'
import type { BreakerFacts } from './policy/breaker/breaker.ts'
import type { PolicyState } from './policy/policy-state.ts'
import type { Target } from './target/target.ts'

/** How a client stands to another service, as `/info` tells it. */
export interface RemoteState {
  /** Name of the contract. */
  readonly contract: string
  /** Where the service is, as it was given. */
  readonly address: string
  /** Name of the client transport. */
  readonly transport: string
  /** Who chooses among the instances: `peakEwma`; undefined where there is only one address. */
  readonly balancer?: string | undefined
  /** What is done for its calls; undefined where nothing was said. */
  readonly policies?: PolicyState | undefined
  /** Those that are called, and those that finish what runs on them. */
  readonly instances: readonly InstanceState[]
}

/** How it stands to one instance. */
export interface InstanceState {
  readonly address: string
  readonly zone?: string | undefined
  readonly state: ChannelState
  /** Of its connections; undefined where its transport cannot know. */
  readonly connections?: ConnectionUse | undefined
  /** Calls of this process; undefined where there is only one address, over which calls go uncounted. */
  readonly runningCount?: number | undefined
  /** Of its newest answers; undefined where there is none, or only one address. */
  readonly latencyMs?: number | undefined
  /** Until when it is given no calls while others can take them, as RFC 3339; undefined where it is given some. */
  readonly ejectedUntil?: string | undefined
  /** Its own; undefined where it has none. */
  readonly breaker?: BreakerFacts | undefined
}

const tellers = new WeakMap<object, () => RemoteState>()

/** Notes how to tell the state of a client. */
export function noteRemote(client: object, tell: () => RemoteState): void {
  tellers.set(client, tell)
}

/** Of those of the values that are clients of remotes; a stand-in of a test is none. */
export function remoteStatesOf(clients: readonly unknown[]): readonly RemoteState[] {
  return clients.flatMap((client) => tellers.get(Object(client))?.() ?? [])
}

export function instanceStateOf({
  address,
  zone,
  channel,
  runningCount,
  latency,
  ejectedUntilMs,
  breaker,
}: Target): InstanceState {
  return {
    address,
    zone,
    state: stateOf(channel),
    connections: channel.use?.(),
    runningCount,
    latencyMs: latency.ms === undefined ? undefined : Math.round(latency.ms * 1_000) / 1_000,
    ejectedUntil:
      ejectedUntilMs === undefined ? undefined : new Date(performance.timeOrigin + ejectedUntilMs).toISOString(),
    breaker: breaker?.facts,
  }
}
