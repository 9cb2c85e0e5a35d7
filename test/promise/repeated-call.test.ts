import { type Call, clientOf, defineHandler, defineService, hook, remote, type RemotePolicy } from '@tenon/core'
import type { Client, ClientTransport } from '@tenon/core/client'
import { contract, stream } from '@tenon/core/contract'
import { ServiceError, type Transport } from '@tenon/core/transport'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import { eventually } from '@tenon/testing'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'

const User = Type.Object({ userId: Type.String() })
const users = contract('demo.repeat.v1.UserService', {
  getUser: { input: User, output: User, http: 'GET /v1/users/:userId', idempotency: 'safe' },
  addUser: { input: User, output: User, http: 'POST /v1/users' },
  watchUser: { input: User, output: stream(User), http: 'GET /v1/users/:userId:watch', idempotency: 'safe' },
})

interface Wire {
  readonly server: () => Transport
  readonly client: () => ClientTransport
}
const wires: Readonly<Record<string, Wire>> = {
  http: { server: () => httpTransport({ port: 0 }), client: () => httpClient() },
  grpc: { server: () => grpcTransport({ port: 0 }), client: () => grpcClient() },
}

/** Ends each call as it is told to. */
type Act = (call: Call, callCount: number) => unknown

const quiet = { environment: { LOG_LEVEL: 'silent' } }
const common = { version: '1.0.0', admin: false, shutdownTimeoutMs: 500 } as const

type Answering = (user: { userId: string }, call: Call) => Promise<{ userId: string }>

function offered({ server }: Wire, answer: Answering) {
  const handler = defineHandler(users, () => ({
    getUser: answer,
    addUser: answer,
    watchUser: async function* (user, call) {
      yield await answer(user, call)
    },
  }))
  return defineService({ ...common, name: 'user', handlers: [handler], transports: () => [server()] }).start(quiet)
}

type Offered = Awaited<ReturnType<typeof offered>>

async function callerOf({ client }: Wire, offering: readonly Offered[], policy: RemotePolicy<typeof users>) {
  const at = `static:///${offering.map(({ addresses }) => `127.0.0.1:${addresses[0]?.port}`).join(',')}`
  let found: Client<typeof users> | undefined
  const started = await defineService({
    ...common,
    name: 'order',
    handlers: [],
    remotes: () => [remote(users, { via: client(), at, policy })],
    onStart: [hook('find', (known) => void (found = known), { needs: [clientOf(users)] })],
  }).start(quiet)
  if (found === undefined) throw new Error('there is no client')
  return { client: found, started }
}

async function started(wire: Wire, act: Act, policy: RemotePolicy<typeof users>) {
  const calls: Call[] = []
  const offering = await offered(wire, async (user, call) => {
    calls.push(call)
    await act(call, calls.length)
    return user
  })
  const calling = await callerOf(wire, [offering], policy)
  return {
    calls,
    client: calling.client,
    async [Symbol.asyncDispose]() {
      await calling.started.stop()
      await offering.stop()
    },
  }
}

const away = (retryDelayMs?: number) => {
  throw new ServiceError('unavailable', 'away', retryDelayMs === undefined ? {} : { details: { retryDelayMs } })
}
const firstFails: Act = (_call, callCount) => (callCount === 1 ? away() : undefined)

describe.each(Object.keys(wires))('over %s', (name) => {
  const wire = wires[name] as Wire

  it('a call that may be repeated is, within its deadline, and says so where the protocol has a field for it', async () => {
    await using run = await started(wire, firstFails, { timeoutMs: 5_000, retry: {} })
    expect(await run.client.getUser({ userId: 'a' })).toEqual({ userId: 'a' })
    expect(run.calls).toHaveLength(2)
    const [first, second] = run.calls
    expect([first, second].map((call) => call?.metadata['grpc-previous-rpc-attempts'])).toEqual([
      undefined,
      name === 'grpc' ? '1' : undefined,
    ])
    for (const call of run.calls) expect(call.remainingMs()).toBeLessThanOrEqual(5_000)
  })

  it('a call that may do something twice is not', async () => {
    await using run = await started(wire, firstFails, { retry: {} })
    await expect(run.client.addUser({ userId: 'a' })).rejects.toMatchObject({ code: 'unavailable' })
    expect(run.calls).toHaveLength(1)
  })

  it('a stream is begun again before its first item', async () => {
    await using run = await started(wire, firstFails, { retry: {} })
    for await (const user of run.client.watchUser({ userId: 'a' })) expect(user).toEqual({ userId: 'a' })
    expect(run.calls).toHaveLength(2)
  })

  it('a delay that the remote asks for reaches the caller, and one beyond its deadline ends the call', async () => {
    await using run = await started(wire, () => away(60_000), { timeoutMs: 5_000, retry: {} })
    const failure = { code: 'unavailable', details: { retryDelayMs: 60_000 } }
    await expect(run.client.getUser({ userId: 'a' })).rejects.toMatchObject(failure)
    expect(run.calls).toHaveLength(1)
  })

  it('an attempt that hangs is cancelled at the remote, and another one made', async () => {
    const cancelled = Promise.withResolvers<void>()
    const hang: Act = async ({ signal }, callCount) => {
      if (callCount > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      cancelled.resolve()
    }
    const operations = { getUser: { retry: { attemptTimeoutMs: 50 } } }
    await using run = await started(wire, hang, { timeoutMs: 5_000, operations })
    expect(await run.client.getUser({ userId: 'a' })).toEqual({ userId: 'a' })
    await cancelled.promise
    expect(run.calls).toHaveLength(2)
  })

  it('a stream that says nothing is cancelled at the remote, and begun again', async () => {
    const cancelled = Promise.withResolvers<void>()
    const hang: Act = async ({ signal }, callCount) => {
      if (callCount > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      cancelled.resolve()
    }
    const operations = { watchUser: { retry: { attemptTimeoutMs: 50 } } }
    await using run = await started(wire, hang, { operations })
    for await (const user of run.client.watchUser({ userId: 'a' })) expect(user).toEqual({ userId: 'a' })
    await cancelled.promise
    expect(run.calls).toHaveLength(2)
  })

  it('an attempt that is slow gets another one beside it, and is cancelled at the remote', async () => {
    const cancelled = Promise.withResolvers<void>()
    const hang: Act = async ({ signal }, callCount) => {
      if (callCount > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      cancelled.resolve()
    }
    await using run = await started(wire, hang, { timeoutMs: 60_000, hedge: { delayMs: 20 } })
    expect(await run.client.getUser({ userId: 'a' })).toEqual({ userId: 'a' })
    await cancelled.promise
    expect(run.calls).toHaveLength(2)
  })

  it('no call fails while instances stop one after another', async () => {
    const yielding: Answering = async (user) => {
      await new Promise((resolve) => void setImmediate(resolve))
      return user
    }
    const offering = await Promise.all([1, 2, 3].map(() => offered(wire, yielding)))
    // A tenth of a few hundred calls is less than what fails at once when one of three instances stops.
    const policy = { timeoutMs: 5_000, retry: { maxAttemptCount: 5 }, budget: { minPerSecond: 100 } }
    const { client, started: calling } = await callerOf(wire, offering, policy)
    const [last, ...leaving] = offering
    const failures: unknown[] = []
    let [isOver, callCount] = [false, 0]
    const callOn = async () => {
      while (!isOver) {
        callCount += 1
        await client.getUser({ userId: 'a' }).catch((error: unknown) => failures.push(error))
      }
    }
    const callers = Array.from({ length: 20 }, callOn)
    for (const one of leaving) {
      const countBefore = callCount
      await eventually(() => expect(callCount).toBeGreaterThan(countBefore + 100))
      await one.stop()
    }
    isOver = true
    await Promise.all(callers)
    await calling.stop()
    await last?.stop()
    expect(failures).toEqual([])
  })
})
