import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { contract, contractInfo } from '../contract/contract.ts'
import { ServiceError } from '../error/service-error.ts'
import { ConfigError } from '../error/setup-error.ts'
import { roundRobin } from './balancer/round-robin.ts'
import { consistentHash } from './balancer/consistent-hash.ts'
import { BalancedChannel } from './balanced-channel.ts'
import { fixedChannels } from './channel-list.ts'
import type { ChannelState, ClientChannel, ClientTransport, OutgoingCall } from './client-transport.ts'
import { connectionsOf } from './connections.ts'
import { canGoElsewhere } from './elsewhere.ts'
import { markNotSent } from './not-sent.ts'
import { ClientJournal } from './policy/client-journal.ts'
import { buildClient, type Client, remote } from './remote.ts'
import { steadyPool } from './target/pool.test-harness.ts'
import { Target } from './target/target.ts'
import { stream } from '../contract/stream.ts'

const Place = Type.Object({ at: Type.String() })
const places = contract('demo.PlaceService', {
  find: { input: Type.Object({}), output: Place },
  watch: { input: Type.Object({}), output: stream(Place) },
  gather: { input: stream(Place), output: Place },
  chat: { input: stream(Place), output: stream(Place) },
})

const safePlaces = contract('demo.SafeService', {
  find: { input: Type.Object({}), output: Place, idempotency: 'safe' },
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
  fixedChannels(channels.map((channel, index) => new Target(String(index), channel)))

/** In turn, and by the clock of the tests. */
const turns = () => steadyPool({}, { nowMs: () => performance.now() }).pool

function balanced(...states: readonly (ChannelState | undefined)[]) {
  const channels = states.map((state, index) => new PlaceChannel(String(index), state))
  const channel = new BalancedChannel(listOf(channels), { pool: turns() })
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

it('tells of a failure whether another address can take the call at once', async () => {
  const failureAt = async (...states: readonly ChannelState[]) => {
    const { channels, client } = balanced(...states)
    for (const channel of channels) channel.unary = () => Promise.reject(new ServiceError('unavailable', 'away'))
    return canGoElsewhere(await client.find({}).catch((error: object) => error))
  }
  expect(await failureAt('ready', 'ready')).toBe(true)
  expect(await failureAt('ready', 'failing')).toBe(false)
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
    return buildClient<typeof places>(places, new BalancedChannel(listOf([first, second]), { pool: turns() }))
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
    const channel = new BalancedChannel(listOf(channels), { pool: turns() })
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

describe('a call that no address takes', () => {
  it.each([
    [['failing', 'failing', 'failing', 'failing'], 1],
    [[undefined, 'failing', 'ready', 'failing'], 3],
    [['idle', 'idle', 'idle', 'idle'], 4],
  ] as const)('is tried over %j: %i times, once of those that could not be reached', async (states, count) => {
    const { channels, client } = balanced(...states)
    const sent = vi.fn(async () => {
      throw markNotSent(new ServiceError('unavailable', 'no connection'))
    })
    for (const channel of channels) channel.unary = sent
    await expect(client.find({})).rejects.toMatchObject({ code: 'unavailable' })
    expect(sent).toHaveBeenCalledTimes(count)
  })
})

describe('a call that waits for any address', () => {
  function waiting() {
    const { channels } = balanced('failing', 'failing')
    const sent = vi.fn(async () => {
      throw markNotSent(new ServiceError('unavailable', 'no connection'))
    })
    for (const channel of channels) channel.unary = sent
    const channel = new BalancedChannel(listOf(channels), { pool: turns(), waitForReady: true })
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    return { channels, channel, sent, client: buildClient<typeof places>(places, channel) }
  }

  it('goes to the first that can be tried', async () => {
    const { channels, client, sent } = waiting()
    const called = client.find({})
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toHaveBeenCalledOnce()
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

describe('what a pool is told of a call', () => {
  const call = { metadata: { tenant: 'a' }, timeoutMs: undefined, signal: undefined }
  const operations = contractInfo(places).operations
  const find = operations.find(({ name }) => name === 'find') ?? expect.unreachable()

  function observed(policy: Parameters<typeof steadyPool>[0] = {}) {
    const channels = ['0', '1', '2'].map((at) => new PlaceChannel(at, 'ready'))
    const targets = channels.map((channel, index) => new Target(String(index), channel))
    const steady = steadyPool(policy, { nowMs: () => performance.now() })
    const channel = new BalancedChannel(fixedChannels(targets), { pool: steady.pool })
    return { ...steady, channels, channel, targets, client: buildClient<typeof places>(places, channel) }
  }

  it('leaves no breaker open when it is closed, nor opens one for calls that come late', async () => {
    const { channel, channels, client, clock, listener } = observed({ breaker: true, ejection: false })
    for (const one of channels)
      one.unary = async () => {
        throw new ServiceError('unavailable', 'away')
      }
    clock.nowMs = () => 0
    const call = async () => {
      for (let count = 0; count < 300; count += 1) await client.find({}).catch(() => undefined)
    }
    const states = () => listener.breakerChanged.mock.calls.map(([, state]) => state)
    await call()
    expect(new Set(states())).toEqual(new Set(['open']))
    const openCount = states().length
    await channel.close()
    await call()
    expect(states().slice(openCount)).toEqual(Array.from({ length: openCount }, () => 'closed'))
  })

  it('counts it while it runs, and how long a unary one took', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { channels, client, targets, pool, listener } = observed()
    const answered = Promise.withResolvers<{ at: string }>()
    Object.assign(channels[0] ?? {}, { unary: () => answered.promise })
    const found = client.find({})
    expect(targets.map(({ runningCount }) => runningCount)).toEqual([1, 0, 0])
    expect(listener.picked).toHaveBeenCalledExactlyOnceWith(targets[0])
    vi.advanceTimersByTime(25)
    answered.resolve({ at: '0' })
    await found
    expect(pool.runningCount).toBe(0)
    expect(targets[0]?.latency.ms).toBe(25)
  })

  it('counts a stream until it is left, whose time says nothing', async () => {
    const { client, targets } = observed()
    for await (const _item of client.watch({})) {
      expect(targets[0]?.runningCount).toBe(1)
      break
    }
    expect(targets[0]).toMatchObject({ runningCount: 0, successRatio: 1 })
    expect(targets[0]?.latency.isKnown).toBe(false)
  })

  it.each(['unary', 'serverStream'] as const)('takes for failed what throws at once: %s', async (kind) => {
    const { channels, client, targets } = observed()
    const fail = () => {
      throw new ServiceError('internal', 'broken')
    }
    Object.assign(channels[0] ?? {}, { [kind]: fail })
    const called = kind === 'unary' ? client.find({}) : all(client.watch({}))
    await expect(called).rejects.toMatchObject({ code: 'internal' })
    expect(targets[0]?.runningCount).toBe(0)
    expect(targets[0]?.successRatio).toBeLessThan(1)
  })

  it('gives another attempt to another instance while there is one', async () => {
    const { channel, channels, targets } = observed()
    const attempt = { tried: new Set<object>([targets[0] ?? {}, targets[1] ?? {}]) }
    const at = async () => ((await channel.unary(find, {}, { ...call, attempt })) as { at: string }).at
    expect(await at()).toBe('2')
    expect(attempt.tried.size).toBe(3)
    expect(await at()).toBe('0')
    attempt.tried.clear()
    attempt.tried.add(targets[1] ?? {})
    for (const one of [0, 2]) Object.assign(channels[one] ?? {}, { current: 'failing' })
    expect(await at()).toBe('1')
  })

  it('calls one that was ejected where all others cannot be reached', async () => {
    const { channels, client, targets, pool } = observed()
    const [bad] = targets
    await client.find({})
    for (let count = 0; bad && count < 5; count += 1) {
      pool.begin(bad)
      pool.end(bad, 'failed')
    }
    expect(bad?.ejectedUntilMs).toBeDefined()
    expect(await called(client, 4)).not.toContain('0')
    for (const one of [1, 2]) Object.assign(channels[one] ?? {}, { current: 'failing' })
    expect(await called(client, 2)).toBe('00')
  })

  it('goes by the key of the call', async () => {
    const { channel } = observed({ balancer: consistentHash({ key: { metadata: 'tenant' } }) })
    const at = async (tenant: string) => {
      const answer = await channel.unary(find, {}, { ...call, metadata: { tenant } })
      return (answer as { at: string }).at
    }
    const tenants = Array.from({ length: 30 }, (_, index) => `tenant ${index}`)
    const places: string[] = []
    // One after another: what runs at once counts against the bound.
    for (const tenant of tenants) places.push(await at(tenant))
    expect(new Set(places).size).toBe(3)
    for (const [index, tenant] of tenants.entries()) expect(await at(tenant)).toBe(places[index])
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
  const provider = remote(places, { via, at: 'static:///a:1,b:2,[::1]:3', policy: { balancer: roundRobin() } })
  const client = provider.create() as Client<typeof places>
  expect(connectionsOf(client)).toEqual([
    { address: 'a:1', state: 'ready' },
    { address: 'b:2', state: 'failing' },
    { address: '[::1]:3', state: 'idle' },
  ])
  const reached = [(await client.find({})).at, (await client.find({})).at]
  expect(reached.toSorted()).toEqual(['[::1]:3', 'a:1'])
  await provider.dispose?.(client, AbortSignal.abort())
  for (const { value } of open.mock.results) expect(value.close).toHaveBeenCalledOnce()
  expect(connectionsOf({})).toEqual([])
})

it('a remote that makes a call again makes it of another instance, whatever its key', async () => {
  const tenants = Array.from({ length: 12 }, (_, index) => `tenant ${index}`)
  const sent: string[] = []
  const open = ({ address }: { readonly address: string }) =>
    Object.assign(new PlaceChannel(address, 'ready'), {
      unary: async () => {
        sent.push(address)
        throw new ServiceError('unavailable', 'it fails')
      },
    })
  const policy = {
    balancer: consistentHash({ key: { metadata: 'tenant' } }),
    retry: { maxAttemptCount: 3, initialDelayMs: 0 },
    budget: { minPerSecond: 100 },
    ejection: false,
  } as const
  const provider = remote(safePlaces, { via: { name: 'fake', open }, at: 'static:///a:1,b:2,c:3', policy })
  const client = provider.create(new ClientJournal()) as Client<typeof safePlaces>
  for (const tenant of tenants) {
    sent.length = 0
    await expect(client.find({}, { metadata: { tenant } })).rejects.toMatchObject({ code: 'unavailable' })
    expect(sent.toSorted()).toEqual(['a:1', 'b:2', 'c:3'])
  }
})

it('a remote without any address is refused', () => {
  const via: ClientTransport = { name: 'fake', open: () => new PlaceChannel('', undefined) }
  expect(() => remote(places, { via, at: 'static:///' })).toThrow(ConfigError)
})
