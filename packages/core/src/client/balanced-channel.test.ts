import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { contract } from '../contract/contract.ts'
import { ServiceError } from '../error/service-error.ts'
import { ConfigError } from '../error/setup-error.ts'
import { BalancedChannel } from './balanced-channel.ts'
import { fixedChannels } from './channel-list.ts'
import type { ChannelState, ClientChannel, ClientTransport, OutgoingCall } from './client-transport.ts'
import { connectionsOf } from './connections.ts'
import { markNotSent } from './not-sent.ts'
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

  async *serverStream(..._given: readonly unknown[]): AsyncGenerator<unknown> {
    yield { at: this.#at }
  }

  async clientStream(..._given: readonly unknown[]): Promise<unknown> {
    return { at: this.#at }
  }

  async *bidiStream(..._given: readonly unknown[]): AsyncGenerator<unknown> {
    yield { at: this.#at }
  }
}

const listOf = (channels: readonly ClientChannel[]) =>
  fixedChannels(channels.map((channel, index) => ({ address: String(index), channel })))

function balanced(...states: readonly (ChannelState | undefined)[]) {
  const channels = states.map((state, index) => new PlaceChannel(String(index), state))
  const channel = new BalancedChannel(listOf(channels))
  return { channels, channel, client: buildClient<typeof places>(places, channel) }
}

async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
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

describe('a call of which nothing was sent', () => {
  const lost = () => markNotSent(new ServiceError('unavailable', 'no connection', { reason: 'connection_failed' }))
  const items = async function* () {
    yield { at: 'a' }
    yield { at: 'b' }
  }
  /** One address that fails its calls, having asked for so many of the inputs, and one that gives the inputs back. */
  function halfLost({ error = lost(), askedCount = 1 }: { error?: Error; askedCount?: number } = {}) {
    const [first, second] = [new PlaceChannel('0', 'ready'), new PlaceChannel('1', 'ready')]
    const fail = async (_operation: unknown, inputs?: unknown): Promise<never> => {
      const iterator = (inputs as AsyncIterable<unknown>)[Symbol.asyncIterator]?.()
      for (let count = 0; iterator && count < askedCount; count += 1) await iterator.next()
      await iterator?.return?.()
      throw error
    }
    first.unary = fail
    first.clientStream = fail
    first.serverStream = first.bidiStream = async function* (...given: readonly unknown[]) {
      yield await fail(given[0], given[1])
    }
    const gather = async (_operation: unknown, inputs: unknown) => {
      let at = ''
      for await (const item of inputs as AsyncIterable<{ at: string }>) at += item.at
      return { at }
    }
    second.clientStream = gather
    second.bidiStream = async function* (operation: unknown, inputs: unknown) {
      yield await gather(operation, inputs)
    }
    return buildClient<typeof places>(places, new BalancedChannel(listOf([first, second])))
  }
  const kinds: Readonly<Record<string, (client: Client<typeof places>) => Promise<{ at: string } | undefined>>> = {
    unary: (client) => client.find({}),
    'server stream': async (client) => (await all(client.watch({})))[0],
    'client stream': (client) => client.gather(items()),
    'bidi stream': async (client) => (await all(client.chat(items())))[0],
  }

  it.each(Object.entries(kinds))('goes to the next address: %s', async (kind, call) => {
    expect((await call(halfLost()))?.at).toBe(kind === 'client stream' || kind === 'bidi stream' ? 'ab' : '1')
  })

  it.each(Object.entries(kinds))(
    'fails where the remote may have got it, whatever its reason: %s',
    async (_kind, call) => {
      const error = new ServiceError('unavailable', 'said by a remote', { reason: 'connection_failed' })
      await expect(call(halfLost({ error }))).rejects.toBe(error)
    },
  )

  it.each(['client stream', 'bidi stream'])('fails when inputs are gone: %s', async (kind) => {
    await expect(kinds[kind]?.(halfLost({ askedCount: 2 }))).rejects.toMatchObject({ reason: 'connection_failed' })
  })

  it.each([0, 1, 2])('lets its inputs go when all have failed, %i of them asked for', async (askedCount) => {
    const left = vi.fn(async () => ({ done: true, value: undefined }) as const)
    const next = async () => ({ done: false, value: { at: 'a' } }) as const
    const inputs = { [Symbol.asyncIterator]: () => ({ next, return: left }) }
    const gather = vi.fn(async (_operation: unknown, given: AsyncIterable<unknown>) => {
      const iterator = given[Symbol.asyncIterator]()
      for (let count = 0; count < askedCount; count += 1) await iterator.next()
      await iterator.return?.()
      throw lost()
    })
    const channels = ['0', '1'].map((at) => Object.assign(new PlaceChannel(at, 'ready'), { clientStream: gather }))
    const call = { metadata: {}, timeoutMs: undefined, signal: undefined }
    const channel = new BalancedChannel(listOf(channels))
    const { gather: operation } = places
    await expect(channel.clientStream(operation, inputs, call)).rejects.toMatchObject({ code: 'unavailable' })
    expect(gather).toHaveBeenCalledTimes(askedCount === 2 ? 1 : 2)
    expect(left).toHaveBeenCalledOnce()
  })

  it('is tried with each address once, within what is left of its time', async () => {
    const { channels, client } = balanced('ready', 'ready', 'failing')
    const leftMs: (number | undefined)[] = []
    for (const channel of channels)
      channel.unary = async (_operation, _input, { timeoutMs }) => {
        leftMs.push(timeoutMs)
        vi.advanceTimersByTime(300)
        throw lost()
      }
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    await expect(client.find({}, { timeoutMs: 1_000 })).rejects.toMatchObject({ reason: 'connection_failed' })
    expect(leftMs).toEqual([1_000, 700, 400])
    await expect(client.find({}, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'deadline_exceeded' })
    expect(leftMs).toEqual([1_000, 700, 400, 500, 200])
  })
})

describe('a call that waits for any address', () => {
  function waiting() {
    const { channels } = balanced('failing', 'failing')
    const sent = vi.fn(async () => {
      throw markNotSent(new ServiceError('unavailable', 'no connection'))
    })
    for (const channel of channels) channel.unary = sent
    const channel = new BalancedChannel(listOf(channels), { waitForReady: true })
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    return { channels, channel, sent, client: buildClient<typeof places>(places, channel) }
  }

  it('goes to the first that can be tried', async () => {
    const { channels, client, sent } = waiting()
    const called = client.find({})
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toHaveBeenCalledTimes(2)
    const [, second] = channels
    if (second) Object.assign(second, { current: 'ready', unary: async () => ({ at: '1' }) })
    await vi.advanceTimersByTimeAsync(50)
    expect(await called).toEqual({ at: '1' })
  })

  it('ends at its deadline, by its signal, and when the client closes', async () => {
    const { channel, client } = waiting()
    const controller = new AbortController()
    const { signal } = controller
    const ended = [{ timeoutMs: 1_000 }, { signal }, {}].map((options) =>
      client.find({}, options).catch((error: unknown) => (ServiceError.is(error) ? error.code : error)),
    )
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await ended[0]).toBe('deadline_exceeded')
    controller.abort()
    expect(await ended[1]).toBe('cancelled')
    await channel.close()
    expect(await ended[2]).toBe('cancelled')
    expect(vi.getTimerCount()).toBe(0)
  })
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
