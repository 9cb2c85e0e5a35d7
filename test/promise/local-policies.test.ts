import {
  type ClientDecision,
  clientDecisionChannelName,
  type ClientInterceptor,
  currentCall,
  defineHandler,
  defineService,
  type Interceptor,
  remote,
  ServiceError,
  type ServiceOptions,
} from '@tenon/core'
import { contract } from '@tenon/core/contract'
import type { Logger } from '@tenon/core/telemetry'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, onTestFinished, test, vi } from 'vitest'
import { environment, startCaller } from './local-pair.ts'

const Note = Type.Object({ text: Type.String() })
const notes = contract('shop.policy.v1.NoteService', {
  echo: { input: Note, output: Note, idempotency: 'safe', access: 'public', http: 'GET /v1/notes/:text' },
})
const input = { text: 'a' }

type Echo = (input: { text: string }, name: string) => Promise<{ text: string }> | { text: string }

async function startCallee(name: string, echo: Echo, options: Partial<ServiceOptions> & { log?: Logger } = {}) {
  const { log, ...more } = options
  const callee = await defineService({
    name,
    version: '1.0.0',
    admin: false,
    handlers: [defineHandler(notes, () => ({ echo: (given) => echo(given, name) }))],
    transports: () => [httpTransport({ port: 0 })],
    ...more,
  }).start({ environment, ...(log && { log }) })
  onTestFinished(async () => void (await callee.stop()))
  return callee
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.catch((failure: unknown) => failure)
  return ServiceError.is(error) ? { code: error.code, reason: error.reason, details: error.details } : error
}

test('a call beyond the limits of its service is refused', async () => {
  const answer = Promise.withResolvers<{ text: string }>()
  const begun = Promise.withResolvers<void>()
  const echo = () => {
    begun.resolve()
    return answer.promise
  }
  await startCallee('note', echo, { maxConcurrentCalls: 1, maxQueuedCalls: 0 })
  const { client } = await startCaller(notes)
  const running = client.echo(input)
  await begun.promise
  expect(await failureOf(client.echo(input))).toMatchObject({ code: 'resource_exhausted' })
  answer.resolve(input)
  expect(await running).toEqual(input)
  expect(await client.echo(input)).toEqual(input)
})

test('interceptors run around a call on both sides, and see what it carries', async () => {
  const order: string[] = []
  const outer: ClientInterceptor = async (call, next) => {
    order.push(`out ${call.operation}`)
    call.metadata['x-note'] = 'added'
    const output = await next()
    order.push('back')
    return output
  }
  const inner: Interceptor = async (call, next) => {
    order.push(`in ${call.transport} ${call.metadata['x-note']}`)
    return await next()
  }
  await startCallee('note', (given) => given, { interceptors: [inner] })
  const { client } = await startCaller(notes, { at: 'local', interceptors: [outer] })
  expect(await client.echo(input)).toEqual(input)
  expect(order).toEqual(['out shop.policy.v1.NoteService/echo', 'in local added', 'back'])
})

test('a call that failed is made again, and elsewhere', async () => {
  const asked: string[] = []
  const echo: Echo = (given, name) => {
    asked.push(name)
    if (asked.length === 1) throw new ServiceError('unavailable', 'busy')
    return given
  }
  await startCallee('one', echo)
  await startCallee('other', echo)
  const { client } = await startCaller(notes, { at: 'local', policy: { retry: {} } })
  expect(await client.echo(input)).toEqual(input)
  expect(new Set(asked)).toEqual(new Set(['one', 'other']))
})

test('a breaker opens over a service of the process that fails', async () => {
  const echo: Echo = () => {
    throw new ServiceError('unavailable', 'down')
  }
  await startCallee('note', echo)
  const decisions = new Set<string>()
  const note = (message: unknown) => void decisions.add((message as ClientDecision).decision)
  subscribe(clientDecisionChannelName, note)
  onTestFinished(() => void unsubscribe(clientDecisionChannelName, note))
  const { client } = await startCaller(notes, { at: 'local', policy: { breaker: {} } })
  for (let count = 0; count < 200 && !decisions.has('breaker_opened'); count += 1) await failureOf(client.echo(input))
  expect(decisions).toContain('breaker_opened')
})

test('a handler has the call of its own, and its log says whose it is', async () => {
  const lines: object[] = []
  const logOf = (carried: object): Logger => ({
    debug: vi.fn(),
    info: (fields) => void lines.push({ ...carried, ...fields }),
    warn: vi.fn(),
    error: vi.fn(),
    child: (fields) => logOf({ ...carried, ...fields }),
  })
  const echo: Echo = (given) => {
    const call = currentCall()
    call?.log.info({ isMine: call.transport === 'local' }, 'served')
    return given
  }
  await startCallee('note', echo, { log: logOf({}) })
  const { client } = await startCaller(notes)
  await client.echo(input, { metadata: { 'x-request-id': 'call-7' } })
  expect(lines).toContainEqual(
    expect.objectContaining({ isMine: true, callId: 'call-7', operation: 'shop.policy.v1.NoteService/echo' }),
  )
  expect(currentCall()).toBeUndefined()
})

test('/info and describe() of the caller show the services of the process that are called', async () => {
  const callee = await startCallee('note', (given) => given)
  const { client, service } = await startCaller(notes)
  const port = service.addresses.find(({ protocol }) => protocol === 'admin')?.port
  const told = async () => (await fetch(`http://127.0.0.1:${port}/info`)).json() as Promise<{ remotes?: unknown }>
  await client.echo(input)
  const common = { contract: 'shop.policy.v1.NoteService', address: 'local', transport: 'local' }
  const instance = { address: expect.stringMatching(/^note\/./), state: 'ready', runningCount: 0 }
  expect(await told()).toMatchObject({ remotes: [{ ...common, balancer: 'peakEwma', instances: [instance] }] })
  await callee.stop()
  expect(await told()).toMatchObject({ remotes: [{ ...common, instances: [] }] })
  const calling = defineService({
    name: 'caller',
    version: '1.0.0',
    handlers: [],
    remotes: () => [remote(notes, { at: 'local' })],
  })
  expect(calling.describe({ environment }).remotes).toMatchObject([common])
})

test('in an overload calls are refused, and critical ones are answered', async () => {
  const echo: Echo = (given) => {
    const endsAtMs = performance.now() + 1
    while (performance.now() < endsAtMs);
    return given
  }
  await startCallee('note', echo, { overload: {} })
  const { client } = await startCaller(notes)
  const send = (count: number, criticality: string) =>
    Array.from({ length: count }, async () => {
      const failure = await failureOf(client.echo(input, { metadata: { 'x-criticality': criticality } }))
      return (failure as { reason?: string }).reason ?? 'answered'
    })
  // From these the service learns what calls cost.
  await Promise.all(send(20, 'sheddable'))
  const sheddable = send(400, 'sheddable')
  const critical = send(5, 'critical_plus')
  expect(await Promise.all(sheddable)).toContain('overloaded')
  expect(await Promise.all(critical)).toContain('answered')
})
