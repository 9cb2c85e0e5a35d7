import type { ChannelState, ClientChannel } from './client-transport.ts'

/** What a channel says of itself; one that says nothing may be tried. */
export function stateOf(channel: ClientChannel): ChannelState {
  return channel.state?.() ?? 'idle'
}
