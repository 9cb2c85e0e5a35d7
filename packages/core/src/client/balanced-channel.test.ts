import Type from 'typebox'
import { expect, it, vi } from 'vitest'
import { contract } from '../contract/contract.ts'
import { ConfigError } from '../error/setup-error.ts'
import { BalancedChannel } from './balanced-channel.ts'
import type { ChannelState, ClientChannel, ClientTransport, OutgoingCall } from './client-transport.ts'
import { connectionsOf } from './connections.ts'
import { buildClient, type Client, remote } from './remote.ts'
import { stream } from '../contract/stream.ts'

const Place = Type.Object({ at: Type.String() })
const places = contract('demo.PlaceService', {
  find: { input: Type.Object({}), output: Place },
  watch: { input: Type.Object({}), output: stream(Place) },
  gather: { input: stream(Place), output: Place },
  chat: { input: stream(Place), output: stream(Place) },
})

/** A channel that tells where it leads. */
class PlaceChannel implements ClientChannel {
  current: ChannelState | undefined
  readonly close = vi.fn(async () => undefined)
  readonly #at: string

  constructor(at: string, state: ChannelState | undefined) {
    this.#at = at
    this.current = state
  }

  state(): ChannelState {
    return this.current ?? 'idle'
  }

  async unary(_operation: unknown, _input: unknown, _call: OutgoingCall): Promise<unknown> {
    return { at: this.#at }
  }

  async *serverStream(): AsyncGenerator<unknown> {
    yield { at: this.#at }
  }

  async clientStream(): Promise<unknown> {
    return { at: this.#at }
  }

  async *bidiStream(): AsyncGenerator<unknown> {
    yield { at: this.#at }
  }
}

function balanced(...states: readonly (ChannelState | undefined)[]) {
  const channels = states.map((state, index) => new PlaceChannel(String(index), state))
  const channel = new BalancedChannel(channels)
  return { channels, channel, client: buildClient<typeof places>(places, channel) }
}

async function called(client: Client<typeof places>, count: number): Promise<string> {
  let text = ''
  for (let round = 0; round < count; round += 1) text += (await client.find({})).at
  return text
}

it('calls each address in turn, whatever the kind of the call', async () => {
  const { client } = balanced('ready', 'ready', 'ready')
  expect(await called(client, 7)).toBe('0120120')
  const one = async function* () {
    yield { at: '' }
  }
  for await (const { at } of client.watch({})) expect(at).toBe('1')
  expect((await client.gather(one())).at).toBe('2')
  for await (const { at } of client.chat(one())) expect(at).toBe('0')
})

it('passes over what cannot be reached while something else can, and comes back to it', async () => {
  const { client, channels } = balanced('ready', 'failing', 'ready')
  expect(await called(client, 4)).toBe('0202')
  const [, second] = channels
  if (second) second.current = 'idle'
  expect(await called(client, 3)).toBe('012')
})

it.each([
  [['connecting', 'failing'], '000'],
  [['connecting', 'ready'], '111'],
  [['connecting', 'idle'], '111'],
  [['failing', 'failing'], '010'],
  [['idle', 'ready'], '010'],
] as const)('chooses among %j as %s', async (states, chosen) => {
  expect(await called(balanced(...states).client, 3)).toBe(chosen)
})

it.each([
  [['failing', 'idle', 'ready'], 'ready'],
  [['failing', 'idle', 'connecting'], 'connecting'],
  [['failing', 'idle'], 'idle'],
  [['failing', 'failing'], 'failing'],
] as const)('%j together are %s', (states, state) => {
  expect(balanced(...states).channel.state()).toBe(state)
})

it('closes all', async () => {
  const { channel, channels } = balanced('ready', 'failing')
  await channel.close()
  for (const { close } of channels) expect(close).toHaveBeenCalledOnce()
})

it('a remote has one channel for each address, and tells the state of each', async () => {
  const states: Readonly<Record<string, ChannelState | undefined>> = {
    'a:1': 'ready',
    'b:2': 'failing',
    '[::1]:3': undefined,
  }
  const open = vi.fn(({ address }: { readonly address: string }) => new PlaceChannel(address, states[address]))
  const via: ClientTransport = { name: 'fake', open }
  const provider = remote(places, { via, at: 'static:///a:1,b:2,[::1]:3' })
  const client = provider.create() as Client<typeof places>
  expect(connectionsOf(client)).toEqual([
    { address: 'a:1', state: 'ready' },
    { address: 'b:2', state: 'failing' },
    { address: '[::1]:3', state: 'idle' },
  ])
  expect((await client.find({})).at).toBe('a:1')
  expect((await client.find({})).at).toBe('[::1]:3')
  await provider.dispose?.(client, AbortSignal.abort())
  for (const { value } of open.mock.results) expect(value.close).toHaveBeenCalledOnce()
  expect(connectionsOf({})).toEqual([])
})

it('a remote without any address is refused', () => {
  const via: ClientTransport = { name: 'fake', open: () => new PlaceChannel('', undefined) }
  expect(() => remote(places, { via, at: 'static:///' })).toThrow(ConfigError)
})
