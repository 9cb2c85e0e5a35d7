import { setImmediate } from 'node:timers/promises'
import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { roundRobin } from '../client/balancer/round-robin.ts'
import type { ClientTransport } from '../client/client-transport.ts'
import { clientOf, remote } from '../client/remote.ts'
import { ServiceDirectory } from '../client/place/service-directory.ts'
import { contract } from '../contract/contract.ts'
import { ServiceError } from '../error/service-error.ts'
import { hook } from '../handler/hook.ts'
import { memoryRegistry } from '../registry/memory-registry.ts'
import type { Discovery, Instance, Registry } from '../registry/registry.ts'
import { silent } from '../telemetry/log.ts'
import type { Transport } from '../transport/transport.ts'
import { defineService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const { signal } = new AbortController()
const notes = contract('shop.NoteService', {
  getNote: { input: Type.Object({}), output: Type.Object({ at: Type.String() }) },
})
const found: Instance = {
  id: 'note-1',
  name: 'note',
  version: '1.0.0',
  endpoints: [{ protocol: 'grpc', host: '10.0.0.7', port: 1 }],
}

/** Answers with the address that was called. */
const via: ClientTransport = {
  name: 'grpc',
  open: ({ address }) => ({
    unary: async () => ({ at: address }),
    serverStream: () => expect.unreachable(),
    clientStream: () => expect.unreachable(),
    bidiStream: () => expect.unreachable(),
    close: async () => undefined,
  }),
}

/** A service that calls another one as soon as it has started. */
function callingService(registry: Registry | undefined, options: Partial<ServiceOptions> = {}) {
  const called = vi.fn()
  const call = hook('call', async (client) => called(await client.getNote({})), { needs: [clientOf(notes)] })
  const service = defineService({
    name: 'caller',
    version: '1.0.0',
    handlers: [],
    onReady: [call],
    remotes: () => [remote(notes, { via, at: 'registry:///note' })],
    ...(registry && { registry: () => registry }),
    admin: false,
    deregisterDelayMs: 0,
    ...options,
  })
  return { service, called }
}

const start = { log: silent, environment: {} }

describe('a service with a registry', () => {
  it('calls whom the registry tells of, and ends its watches and then the registry when it stops', async () => {
    const memory = memoryRegistry()
    await memory.announce(found, { signal })
    const watched = vi.spyOn(memory, 'watch')
    const close = vi.fn(async () => expect(watched.mock.calls[0]?.[1].signal.aborted).toBe(true))
    const { service, called } = callingService(Object.assign(memory, { close }))
    const started = await service.start(start)
    expect(called).toHaveBeenCalledExactlyOnceWith({ at: '10.0.0.7:1' })
    expect((await started.stop()).exitCode).toBe(0)
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('prefers its own zone, tells of an instance that fails, and shows in /info how it stands to each', async () => {
    const memory = memoryRegistry()
    const place = (port: number, zone: string): Instance => ({
      ...found,
      id: `note-${port}`,
      zone,
      endpoints: [{ protocol: 'grpc', host: '10.0.0.7', port }],
    })
    for (const [port, zone] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'b'],
    ] as const)
      await memory.announce(place(port, zone), { signal })
    const failing: ClientTransport = {
      name: 'grpc',
      open: (target) => ({
        ...via.open(target),
        unary: async () => {
          if (target.address === '10.0.0.7:3') throw new ServiceError('internal', 'broken')
          return { at: target.address }
        },
      }),
    }
    const log = { ...silent, warn: vi.fn(), child: () => log }
    const places: string[] = []
    const call = hook(
      'call',
      async (client) => {
        for (let count = 0; count < 40; count += 1)
          await client.getNote({}).then(
            ({ at }) => places.push(at),
            () => undefined,
          )
      },
      { needs: [clientOf(notes)] },
    )
    const { service } = callingService(memory, {
      onReady: [call],
      admin: { port: 0 },
      remotes: () => [remote(notes, { via: failing, at: 'registry:///note', policy: { balancer: roundRobin() } })],
    })
    await using started = await service.start({ log, environment: { TENON_ZONE: 'b', NODE_ENV: 'development' } })
    expect(new Set(places)).toEqual(new Set(['10.0.0.7:1', '10.0.0.7:2', '10.0.0.7:4']))
    expect(places.filter((at) => at === '10.0.0.7:4').length).toBeGreaterThan(places.length / 2)
    expect(log.warn).toHaveBeenCalledWith(
      { contract: 'shop.NoteService', address: '10.0.0.7:3', reason: 'consecutive_failures' },
      'an instance fails calls and is given none for a while',
    )
    const { port = 0 } = started.addresses.find(({ protocol }) => protocol === 'admin') ?? {}
    const { remotes } = (await (await fetch(`http://127.0.0.1:${port}/info`)).json()) as { remotes: unknown }
    const state = { state: 'idle', runningCount: 0 }
    expect(remotes).toEqual([
      {
        contract: 'shop.NoteService',
        address: 'registry:///note',
        transport: 'grpc',
        balancer: 'roundRobin',
        policies: { operations: [], bulkheads: [] },
        instances: [
          { ...state, address: '10.0.0.7:1', zone: 'a', latencyMs: expect.any(Number) },
          { ...state, address: '10.0.0.7:2', zone: 'a', latencyMs: expect.any(Number) },
          {
            ...state,
            address: '10.0.0.7:3',
            zone: 'b',
            latencyMs: expect.any(Number),
            ejectedUntil: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          },
          { ...state, address: '10.0.0.7:4', zone: 'b', latencyMs: expect.any(Number) },
        ],
      },
    ])
  })

  it('shows in /info what is done for the calls of a remote, and how it stands', async () => {
    const memory = memoryRegistry()
    for (const port of [1, 2])
      await memory.announce(
        { ...found, id: `note-${port}`, endpoints: [{ protocol: 'grpc', host: 'a', port }] },
        { signal },
      )
    const held = Promise.withResolvers<void>()
    let count = 0
    const failing: ClientTransport = {
      name: 'grpc',
      open: (target) => ({
        ...via.open(target),
        unary: async () => {
          if (count++ >= 100) await held.promise
          throw new ServiceError('unavailable', 'away')
        },
      }),
    }
    const settled: Promise<unknown>[] = []
    const call = hook(
      'call',
      async (client) => {
        while (count < 100) await client.getNote({}).catch(() => undefined)
        // The breaker lets every fifth through, which then keeps its place.
        while (count < 102) {
          settled.push(client.getNote({}).catch(() => undefined))
          await setImmediate()
        }
        settled.push(client.getNote({}).catch(() => undefined))
      },
      { needs: [clientOf(notes)] },
    )
    const policy = {
      timeoutMs: 5_000,
      retry: { initialDelayMs: 0, maxDelayMs: 0 },
      budget: { minPerSecond: 3 },
      breaker: true,
      bulkhead: { maxRunning: 2, maxWaiting: 1 },
      ejection: false,
    } as const
    const { service } = callingService(memory, {
      onReady: [call],
      admin: { port: 0 },
      remotes: () => [remote(notes, { via: failing, at: 'registry:///note', policy })],
    })
    await using started = await service.start(start)
    const { port = 0 } = started.addresses.find(({ protocol }) => protocol === 'admin') ?? {}
    const { remotes } = (await (await fetch(`http://127.0.0.1:${port}/info`)).json()) as { remotes: unknown }
    held.resolve()
    await Promise.all(settled)
    const breaker = { state: 'open', refusedRatio: expect.any(Number), askedCount: expect.any(Number), takenCount: 0 }
    expect(remotes).toEqual([
      {
        contract: 'shop.NoteService',
        address: 'registry:///note',
        transport: 'grpc',
        balancer: 'peakEwma',
        policies: {
          operations: [{ operation: 'getNote', timeoutMs: 5_000, policies: ['bulkhead', 'breaker', 'retry'] }],
          breaker,
          // Nothing of it can be made again: the operation is neither safe nor idempotent.
          budget: { callCount: expect.any(Number), spentCount: 0, allowedCount: 30 },
          bulkheads: [{ operations: ['getNote'], maxRunning: 2, runningCount: 2, maxWaiting: 1, waitingCount: 1 }],
        },
        instances: ['a:1', 'a:2'].map((address) => ({
          address,
          state: 'idle',
          runningCount: expect.any(Number),
          latencyMs: expect.any(Number),
          breaker: { ...breaker, state: expect.any(String) },
        })),
      },
    ])
  })

  it('is not announced where the registry only finds others', async () => {
    const memory = memoryRegistry()
    const discovery: Discovery = { watch: (name, options) => memory.watch(name, options) }
    const { service } = callingService(discovery, { onReady: [] })
    expect(service.describe({ environment: {} })).toMatchObject({ isRegistered: false, registry: { canFind: true } })
    await (await service.start(start)).stop()
  })

  it('does not watch where nobody looks for others', async () => {
    const memory = memoryRegistry()
    const watched = vi.spyOn(memory, 'watch')
    const { service } = callingService(memory, { onReady: [], remotes: () => [] })
    await (await service.start(start)).stop()
    expect(watched).not.toHaveBeenCalled()
  })

  it('lets handlers look for themselves', async () => {
    const memory = memoryRegistry()
    await memory.announce(found, { signal })
    const seen = Promise.withResolvers<readonly Instance[]>()
    const look = hook('look', (directory) => directory.of('note').onChange(seen.resolve), { needs: [ServiceDirectory] })
    const { service } = callingService(memory, { onReady: [look], remotes: () => [] })
    await using _started = await service.start(start)
    expect(await seen.promise).toEqual([found])
  })

  it.each<[string, Registry | undefined]>([
    ['no registry', undefined],
    ['one that finds nobody', { announce: () => expect.unreachable() }],
  ])('cannot find others with %s, and is told so before it starts', async (_what, registry) => {
    const { service } = callingService(registry)
    const { problems } = await service.check({ environment: {} })
    expect(problems).toEqual([
      {
        code: 'wiring.missing_provider',
        message: expect.stringMatching(/ServiceDirectory.*give the service a registry that finds others/s),
      },
    ])
  })

  it('refuses what is no registry', async () => {
    const { service } = callingService({} as never)
    await expect(service.start(start)).rejects.toThrow(
      'registry of the service: expected what announces instances or finds them, found neither announce() nor watch() [config.malformed]',
    )
  })

  it('says where its registry is, and nothing else of its address', () => {
    const connectsTo = ['https://user:secret@consul-1:8501/x', { reveal: () => 'consul-2:8500' }]
    const registry = { name: 'consul', watch: () => expect.unreachable(), connectsTo }
    const { service } = callingService(registry)
    expect(service.describe({ environment: {} }).registry).toEqual({
      name: 'consul',
      canFind: true,
      connectsTo: ['consul-1:8501', 'consul-2:8500'],
    })
  })

  it('tells the registry when it takes no calls any more, and when it does again', async () => {
    const memory = memoryRegistry()
    const healths: unknown[] = []
    const { service } = callingService(memory, {
      onReady: [],
      remotes: () => [],
      transports: () => [changingTransport()],
      instance: { id: 'caller-1', zone: 'eu-1' },
    })
    const change = Promise.withResolvers<(isReady: boolean) => void>()
    function changingTransport(): Transport {
      let isReady = true
      return {
        name: 'demo',
        carries: () => true,
        bind: ({ healthChanged }) => {
          change.resolve((now) => {
            isReady = now
            healthChanged?.()
          })
          return {
            listen: async () => [{ protocol: 'demo', host: '10.0.0.7', port: 1 }],
            withdraw: () => undefined,
            drain: async () => 0,
            close: async () => undefined,
            health: () => ({ isLive: true, isReady }),
          }
        },
      }
    }
    await using _started = await service.start(start)
    const snapshots = memory.watch('caller', { signal })[Symbol.asyncIterator]()
    const next = async () => healths.push((await snapshots.next()).value)
    await next()
    expect(healths).toEqual([[expect.objectContaining({ id: 'caller-1', zone: 'eu-1' })]])
    expect(healths).not.toHaveProperty('0.0.health')
    for (const isReady of [false, true]) {
      ;(await change.promise)(isReady)
      await next()
    }
    expect(healths.slice(1)).toEqual([
      [expect.objectContaining({ health: 'not_serving' })],
      [expect.objectContaining({ health: 'serving' })],
    ])
  })
})
