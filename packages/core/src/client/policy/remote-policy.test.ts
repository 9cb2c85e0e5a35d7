import { describe, expect, it } from 'vitest'
import { contractInfo } from '../../contract/contract.ts'
import { ConfigError } from '../../error/setup-error.ts'
import type { ClientTransport, OutgoingCall } from '../client-transport.ts'
import { remote } from '../remote.ts'
import { ClientJournal } from './client-journal.ts'
import { notes, operationOf } from './policed-channel.test-harness.ts'
import { type RemotePolicy, resolvePolicy } from './remote-policy.ts'

const settingsOf = (policy: RemotePolicy<typeof notes>) => resolvePolicy(contractInfo(notes), policy)
const via = { name: 'demo', open: () => expect.unreachable() } as unknown as ClientTransport

function problemsOf(policy: unknown): readonly string[] {
  try {
    remote(notes, { via, at: 'static:///a:1', policy: policy as RemotePolicy<typeof notes> })
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ code, message }) => `${code} ${message}`)
    throw error
  }
  return []
}

describe('what is in force', () => {
  it('is what an operation says, else what the remote says, each key as a whole', () => {
    const { of } = settingsOf({
      timeoutMs: 1_000,
      retry: { maxAttemptCount: 5 },
      operations: { read: { timeoutMs: 50 }, put: { retry: { initialDelayMs: 7 } }, add: { retry: false } },
    })
    const shown = ['read', 'put', 'add'].map((name) => {
      const { timeoutMs, retry } = of(operationOf(name))
      return [timeoutMs, retry?.maxAttemptCount, retry?.initialDelayMs]
    })
    expect(shown).toEqual([
      [50, 5, 50],
      [1_000, 3, 7],
      [1_000, undefined, undefined],
    ])
  })

  it('is no time of the remote for streams, but one of their own', () => {
    const { of } = settingsOf({ timeoutMs: 1_000, operations: { chat: { timeoutMs: 5_000 } } })
    expect(['watch', 'gather', 'chat'].map((name) => of(operationOf(name)).timeoutMs)).toEqual([
      undefined,
      undefined,
      5_000,
    ])
  })

  it('is no time of an attempt of the remote for output streams, but one of their own', () => {
    const attemptTimeoutMs = 100
    const { of } = settingsOf({
      retry: { attemptTimeoutMs },
      operations: { chat: { retry: { attemptTimeoutMs: 200 } } },
    })
    const times = ['read', 'gather', 'watch', 'chat'].map((name) => of(operationOf(name)).retry?.attemptTimeoutMs)
    expect(times).toEqual([100, 100, undefined, 200])
  })

  it('of hedges, caches and shared calls is for safe operations without streams alone', () => {
    const { of } = settingsOf({ hedge: {}, cache: { ttlMs: 5 }, coalesce: true })
    const shared = contractInfo(notes).operations.filter((operation) => {
      const { hedge, cache, isCoalesced } = of(operation)
      return hedge !== undefined || cache !== undefined || isCoalesced
    })
    expect(shared.map(({ name }) => name)).toEqual(['read'])
    expect(of(operationOf('read'))).toMatchObject({ hedge: { percentile: 0.95 }, cache: { maxEntryCount: 1_000 } })
  })

  it.each([
    [{}, 50, 1_000],
    [{ initialDelayMs: 5_000 }, 5_000, 5_000],
    [{ maxDelayMs: 20 }, 20, 20],
    [{ initialDelayMs: undefined, maxDelayMs: undefined }, 50, 1_000],
  ])('%j has waits that fit each other', (retry, initialDelayMs, maxDelayMs) => {
    const { of } = settingsOf({ retry: retry as object })
    expect(of(operationOf('read')).retry).toMatchObject({ initialDelayMs, maxDelayMs, maxAttemptCount: 3 })
  })
})

describe('what is refused', () => {
  it('is told all at once, with its place', () => {
    const problems = problemsOf({
      timeoutMs: 0,
      retires: {},
      retry: { maxAttemptCount: 1, initialDelayMs: 9, maxDelayMs: 8, attemptTimeoutMs: 1.5 },
      bulkhead: { maxWaiting: -1 },
      breaker: 1,
      budget: { ratio: 2, minPerSecond: -1, share: 1 },
      hedge: { percentile: 1 },
      cache: { maxEntryCount: 0 },
      coalesce: 'a',
      operations: {
        raed: {},
        read: 5,
        put: { retry: true, hedge: {}, cache: { ttlMs: 5 }, coalesce: true },
        add: { timeoutMs: 'a', budget: {}, hedge: false, cache: false, coalesce: false, fallback: 'a' },
        watch: { hedge: { delayMs: 5, percentile: 0.9 }, fallback: () => [] },
      },
    })
    const places = problems.map((text) => text.replace(/^(\S+) remote\(demo\.NoteService\): (\S+)[^]*$/, '$1 $2'))
    expect(places).toEqual([
      'config.malformed policy:',
      'config.out_of_range policy.timeoutMs',
      'config.out_of_range policy.retry.maxAttemptCount',
      'config.out_of_range policy.retry.attemptTimeoutMs',
      'config.out_of_range policy.retry.initialDelayMs,',
      'config.out_of_range policy.hedge.percentile',
      'config.out_of_range policy.bulkhead.maxRunning',
      'config.out_of_range policy.bulkhead.maxWaiting',
      'config.out_of_range policy.cache.ttlMs',
      'config.out_of_range policy.cache.maxEntryCount',
      'config.malformed policy.coalesce',
      'config.malformed policy.breaker',
      'config.malformed policy.budget:',
      'config.out_of_range policy.budget.ratio',
      'config.out_of_range policy.budget.minPerSecond',
      'config.malformed policy.operations:',
      'config.malformed policy.operations.read',
      'config.malformed policy.operations.put.retry',
      'config.malformed policy.operations.put.hedge',
      'config.malformed policy.operations.put.cache',
      'config.malformed policy.operations.put.coalesce',
      'config.malformed policy.operations.add:',
      'config.out_of_range policy.operations.add.timeoutMs',
      'config.malformed policy.operations.add.fallback',
      'config.malformed policy.operations.watch.hedge',
      'config.malformed policy.operations.watch.hedge',
      'config.malformed policy.operations.watch.fallback',
    ])
    expect(problems[0]).toContain('"retires" is no option, perhaps retry is meant')
    expect(problems[15]).toContain('"raed" is no option, perhaps read is meant')
  })

  it.each([[5], [null], [[]]])('is %j in the place of a policy', (policy) => {
    expect(problemsOf(policy)).toHaveLength(1)
  })

  it('is nothing of a policy that is right', () => {
    expect(problemsOf({ timeoutMs: 5, retry: false, budget: {}, operations: { read: { retry: {} } } })).toEqual([])
  })
})

it('a remote keeps to its policy, also where it is moved, and a call that says its own time has that', async () => {
  const opened: string[] = []
  const sent: OutgoingCall[] = []
  const answering = {
    name: 'demo',
    open: ({ address }: { address: string }) => {
      opened.push(address)
      return {
        unary: async (_operation: unknown, input: unknown, call: OutgoingCall) => {
          sent.push(call)
          return input
        },
        close: async () => undefined,
      }
    },
  } as unknown as ClientTransport
  const own = remote(notes, { via: answering, at: 'static:///a:1', policy: { timeoutMs: 400, retry: {} } })
  const moved = own.remote?.movedTo('static:///b:1') ?? expect.unreachable()
  const client = (await moved.create(new ClientJournal())) as {
    read(input: object, options?: object): Promise<unknown>
  }
  await client.read({ text: 'a' })
  await client.read({ text: 'a' }, { timeoutMs: 100 })
  expect(opened).toEqual(['b:1'])
  const [first, second] = sent
  expect(first?.timeoutMs).toBeGreaterThan(100)
  expect(first?.timeoutMs).toBeLessThanOrEqual(400)
  expect(second?.timeoutMs).toBeLessThanOrEqual(100)
  expect(first?.attempt).toBeDefined()
})
