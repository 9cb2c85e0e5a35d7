import Type from 'typebox'
import { afterEach, beforeEach, describe, expect, it, type Mock, vi } from 'vitest'
import { contract, stream } from '../contract/index.ts'
import { memoryRegistry } from '../registry/memory-registry.ts'
import type { Instance } from '../registry/registry.ts'
import { type Logger, silent } from '../telemetry/log.ts'
import { BalancedChannel } from './balanced-channel.ts'
import { FoundChannels } from './channel-list.ts'
import type { ClientChannel } from './client-transport.ts'
import type { KnownName } from './place/known-name.ts'
import { buildClient } from './remote.ts'
import { ServiceDirectory } from './place/service-directory.ts'
import { steadyPool } from './target/pool.test-harness.ts'

const { signal } = new AbortController()
const places = contract('demo.PlaceService', {
  find: { input: Type.Object({}), output: Type.Object({ at: Type.String() }), timeoutMs: 1_000 },
  watch: { input: Type.Object({}), output: stream(Type.Object({ at: Type.String() })) },
})

const instance = (id: string, port: number, more: Partial<Instance> = {}): Instance => ({
  id,
  name: 'place',
  version: '1.0.0',
  endpoints: [
    { protocol: 'http', host: '10.0.0.1', port: 80 },
    { protocol: 'grpc', host: '10.0.0.1', port },
  ],
  ...more,
})

/** In turn, and by the clock of the tests. */
const turns = () => steadyPool({}, { nowMs: () => performance.now() }).pool

/** A client of whatever the registry tells of. A channel closes when it is let go. */
function findingClient({ waitForReady = false, registry = memoryRegistry() } = {}) {
  const log: Logger = { ...silent, warn: vi.fn(), error: vi.fn() }
  const directory = new ServiceDirectory(registry, log)
  const closing = new Map<string, PromiseWithResolvers<void>>()
  const opened: string[] = []
  const open = (address: string): ClientChannel => {
    if (address.includes(' ')) throw new Error('no host')
    opened.push(address)
    const unused = () => expect.unreachable()
    return {
      unary: async () => ({ at: address }),
      serverStream: async function* () {
        for (;;) yield { at: address }
      },
      clientStream: unused,
      bidiStream: unused,
      close: () => {
        const left = Promise.withResolvers<void>()
        closing.set(address, left)
        return left.promise
      },
    }
  }
  const channels = new FoundChannels({ known: directory.of('place'), protocol: 'grpc', log, open })
  const channel = new BalancedChannel(channels, { pool: turns(), waitForReady })
  const client = buildClient<typeof places>(places, channel)
  const called = async (count: number) => {
    const outputs = []
    for (let call = 0; call < count; call += 1) outputs.push((await client.find({})).at)
    return outputs.toSorted()
  }
  const listed = () => channels.opened.map(({ address }) => address)
  return { registry, directory, log, channels, channel, client, called, opened, closing, listed }
}

/** What ends the listening of each call that waits for the first list. */
function notedListeners(known: KnownName) {
  const ends: Mock<() => void>[] = []
  const { onChange } = known
  vi.spyOn(known, 'onChange').mockImplementation((listener) => {
    const listening = onChange.call(known, listener)
    const end = vi.fn(() => listening[Symbol.dispose]())
    ends.push(end)
    return { [Symbol.dispose]: end }
  })
  return ends
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())
const settle = () => vi.advanceTimersByTimeAsync(0)

describe('FoundChannels', () => {
  it('lets a call wait for the first list, and spreads calls over what it tells of, by the protocol', async () => {
    const registry = memoryRegistry()
    await registry.announce(instance('a', 1), { signal })
    await registry.announce(instance('b', 2, { endpoints: [{ protocol: 'grpc', host: 'fd00::1', port: 2 }] }), {
      signal,
    })
    await registry.announce(instance('c', 3, { endpoints: [{ protocol: 'http', host: '10.0.0.1', port: 3 }] }), {
      signal,
    })
    const { called, opened } = findingClient({ registry })
    expect(await called(2)).toEqual(['10.0.0.1:1', '[fd00::1]:2'])
    expect(opened).toEqual(['10.0.0.1:1', '[fd00::1]:2'])
  })

  it('calls one that comes, and lets one that goes finish what runs on it', async () => {
    const { registry, called, closing, listed, opened } = findingClient()
    const first = await registry.announce(instance('a', 1), { signal })
    await settle()
    expect(await called(1)).toEqual(['10.0.0.1:1'])
    await registry.announce(instance('b', 2), { signal })
    await settle()
    expect(await called(2)).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
    await first.withdraw({ signal })
    await settle()
    expect(await called(2)).toEqual(['10.0.0.1:2', '10.0.0.1:2'])
    expect(listed()).toEqual(['10.0.0.1:2', '10.0.0.1:1'])
    closing.get('10.0.0.1:1')?.resolve()
    await settle()
    expect(listed()).toEqual(['10.0.0.1:2'])
    expect(opened).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
  })

  it('closes nothing of one that goes while a stream without an end runs on it', async () => {
    const { registry, client, closing, listed } = findingClient()
    const announced = await registry.announce(instance('a', 1), { signal })
    await settle()
    const items = client.watch({})[Symbol.asyncIterator]()
    expect(await items.next()).toEqual({ done: false, value: { at: '10.0.0.1:1' } })
    await registry.announce(instance('b', 2), { signal })
    await announced.withdraw({ signal })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await items.next()).toEqual({ done: false, value: { at: '10.0.0.1:1' } })
    expect([listed(), [...closing.keys()]]).toEqual([['10.0.0.1:2', '10.0.0.1:1'], []])
    await items.return?.()
    await settle()
    expect([...closing.keys()]).toEqual(['10.0.0.1:1'])
  })

  it('closes what runs on one that went when the client is closed', async () => {
    const { registry, client, channel, closing } = findingClient()
    const announced = await registry.announce(instance('a', 1), { signal })
    await settle()
    const items = client.watch({})[Symbol.asyncIterator]()
    await items.next()
    await announced.withdraw({ signal })
    await registry.announce(instance('b', 2), { signal })
    await settle()
    const closed = channel.close()
    expect([...closing.keys()].toSorted()).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
    for (const { resolve } of closing.values()) resolve()
    await closed
  })

  it.each<[string, Partial<Instance>]>([
    ['is about to go', { health: 'draining' }],
    ['has no weight', { weight: 0 }],
  ])('calls one that %s only where there is no other', async (_why, more) => {
    const { registry, called } = findingClient()
    await registry.announce(instance('a', 1, more), { signal })
    await settle()
    expect(await called(2)).toEqual(['10.0.0.1:1', '10.0.0.1:1'])
    await registry.announce(instance('b', 2), { signal })
    await settle()
    expect(await called(2)).toEqual(['10.0.0.1:2', '10.0.0.1:2'])
  })

  it('answers unavailable where there is none that takes calls, and says whose', async () => {
    const { registry, client } = findingClient()
    await registry.announce(instance('a', 1, { health: 'not_serving' }), { signal })
    await expect(client.find({})).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the registry knows no instance of place that takes calls over grpc'),
    })
  })

  it('waits for one until the deadline where the transport waits for connections', async () => {
    const { registry, client } = findingClient({ waitForReady: true })
    await settle()
    const called = client.find({})
    await vi.advanceTimersByTimeAsync(500)
    await registry.announce(instance('a', 1), { signal })
    await vi.advanceTimersByTimeAsync(100)
    expect(await called).toEqual({ at: '10.0.0.1:1' })
    const overdue = findingClient({ waitForReady: true }).client.find({})
    const failed = expect(overdue).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await vi.advanceTimersByTimeAsync(1_000)
    await failed
  })

  it('ends a call that waits for the first list with the deadline, and with the client', async () => {
    const never = { watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }) }
    const open = () => expect.unreachable()
    const known = new ServiceDirectory(never, silent).of('place')
    const listening = notedListeners(known)
    const channels = new FoundChannels({ known, protocol: 'grpc', log: silent, open })
    const channel = new BalancedChannel(channels, { pool: turns() })
    const client = buildClient<typeof places>(places, channel)
    const overdue = expect(client.find({})).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await vi.advanceTimersByTimeAsync(1_000)
    await overdue
    const closed = expect(client.find({})).rejects.toMatchObject({ code: 'cancelled' })
    // The list of channels itself, and two calls.
    expect(listening).toHaveLength(3)
    await channel.close()
    await closed
    expect(listening.map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1])
  })

  it('lets a call without a deadline wait no longer than 10 s for a registry that tells nothing', async () => {
    const never = { watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }) }
    const open = () => expect.unreachable()
    const known = new ServiceDirectory(never, silent).of('place')
    const channels = new FoundChannels({ known, protocol: 'grpc', log: silent, open })
    const channel = new BalancedChannel(channels, { pool: turns() })
    const unlimited = contract('demo.EndlessService', { find: { input: Type.Object({}), output: Type.Object({}) } })
    const failed = expect(buildClient<typeof unlimited>(unlimited, channel).find({})).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the registry has not yet told of place'),
    })
    await vi.advanceTimersByTimeAsync(10_000)
    await failed
  })

  it('goes on calling who was there last for half a minute when the registry tells of nobody any more', async () => {
    const { registry, called, client, listed } = findingClient()
    const only = await registry.announce(instance('a', 1), { signal })
    await settle()
    expect(await called(1)).toEqual(['10.0.0.1:1'])
    await only.withdraw({ signal })
    await vi.advanceTimersByTimeAsync(29_000)
    expect(await called(1)).toEqual(['10.0.0.1:1'])
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(client.find({})).rejects.toMatchObject({ code: 'unavailable' })
    await registry.announce(instance('a', 1), { signal })
    await settle()
    expect(await called(1)).toEqual(['10.0.0.1:1'])
    expect(listed()).toHaveLength(2)
  })

  it('lets them go when that half minute is over, although nobody calls', async () => {
    const { registry, called, listed, closing } = findingClient()
    const only = await registry.announce(instance('a', 1), { signal })
    await settle()
    expect(await called(1)).toEqual(['10.0.0.1:1'])
    await only.withdraw({ signal })
    await vi.advanceTimersByTimeAsync(30_000)
    closing.get('10.0.0.1:1')?.resolve()
    await settle()
    expect(listed()).toEqual([])
  })

  it('calls nobody who says that it takes no calls, nor those who are told of no more beside it', async () => {
    const { registry, called, client } = findingClient()
    const first = await registry.announce(instance('a', 1), { signal })
    const second = await registry.announce(instance('b', 2), { signal })
    await settle()
    expect(await called(2)).toEqual(['10.0.0.1:1', '10.0.0.1:2'])
    await first.update({ health: 'not_serving' }, { signal })
    await second.withdraw({ signal })
    await settle()
    await expect(client.find({})).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('passes over an address that cannot be called, tells of it once, and follows the others', async () => {
    const { registry, called, log } = findingClient()
    const bad = { endpoints: [{ protocol: 'grpc', host: 'bad host', port: 1 }] }
    await registry.announce(instance('a', 1), { signal })
    await registry.announce(instance('b', 2, bad), { signal })
    await settle()
    await registry.announce(instance('c', 3), { signal })
    await settle()
    expect(await called(2)).toEqual(['10.0.0.1:1', '10.0.0.1:3'])
    expect(log.warn).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ remote: 'place', address: 'bad host:1' }),
      'an instance has an address that cannot be called',
    )
    expect(log.error).not.toHaveBeenCalled()
  })

  it('opens one channel to an address that two instances have, of which one is about to go', async () => {
    const { registry, called, opened } = findingClient()
    await registry.announce(instance('old', 1, { health: 'draining' }), { signal })
    await registry.announce(instance('new', 1), { signal })
    await settle()
    expect(await called(1)).toEqual(['10.0.0.1:1'])
    expect(opened).toEqual(['10.0.0.1:1'])
  })

  it('closes what is open when the client is closed, and listens no more', async () => {
    const { registry, called, channel, closing, opened } = findingClient()
    await registry.announce(instance('a', 1), { signal })
    await settle()
    await called(1)
    const closed = channel.close()
    closing.get('10.0.0.1:1')?.resolve()
    await closed
    await registry.announce(instance('b', 2), { signal })
    await settle()
    expect(opened).toEqual(['10.0.0.1:1'])
  })
})
