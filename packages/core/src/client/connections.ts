import { stateOf } from './channel-state.ts'
import type { ChannelState, ClientChannel } from './client-transport.ts'

/** How a client stands to one address of its service. */
export interface ConnectionState {
  /** `host:port` or `unix:/path` */
  readonly address: string
  readonly state: ChannelState
}

/** A channel and where it leads. */
export interface OpenChannel {
  readonly address: string
  readonly channel: ClientChannel
}

const opened = new WeakMap<object, { readonly opened: readonly OpenChannel[] }>()

/** Notes over which channels a client calls. */
export function noteChannels(client: object, channels: { readonly opened: readonly OpenChannel[] }): void {
  opened.set(client, channels)
}

/**
 * How the client of a `remote()` stands to each of its addresses, in the order in which they were given or found; nothing is connected
 * for it. Empty for a client that is no remote's, such as a fake.
 */
export function connectionsOf(client: object): readonly ConnectionState[] {
  const channels = opened.get(client)?.opened ?? []
  return channels.map(({ address, channel }) => ({ address, state: stateOf(channel) }))
}
