import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import type { Input } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { contractInfo } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { eventually } from '@tenon/testing'
import { grpcClient, protoOf } from '@tenon/transport-grpc'
import { beforeAll, describe, expect, test } from 'vitest'
import { runTool } from '../support/tool.ts'
import { peers } from './fixture/peer-contract.ts'
import { buildGoPeer, goAbsence } from './go-peer.ts'
import { startPeerService } from './peer-service.ts'

const absence = goAbsence()
const why = absence ? ` (skipped: ${absence})` : ''
/** A cold build of grpc-go takes about a minute. */
const buildMs = 300_000
let binary = ''

beforeAll(async () => {
  if (absence === undefined) binary = await buildGoPeer(protoOf(peers), AbortSignal.timeout(buildMs))
}, buildMs)

/** How one call of the Go client went. */
interface Outcome {
  readonly case: string
  readonly code: string
  readonly message?: string
  readonly details?: readonly object[]
  readonly messages?: readonly object[]
  readonly headers?: Readonly<Record<string, readonly string[]>>
  readonly trailers?: Readonly<Record<string, readonly string[]>>
}

const everything = {
  mood: 'loud',
  id: 9_007_199_254_740_993n,
  data: new Uint8Array([0, 1, 255]),
  ratio: 0.5,
  isOld: false,
  ranks: [1, -2, 0],
  labels: { a: 'b', '': '' },
  home: { city: '' },
} satisfies Partial<Input<typeof peers.say>>

describe.skipIf(absence)(`a client of grpc-go, made from our .proto${why}`, () => {
  let outcomes: ReadonlyMap<string, Outcome>
  const outcome = (name: string) => outcomes.get(name)

  beforeAll(async () => {
    await using peer = await startPeerService()
    const signal = AbortSignal.timeout(60_000)
    const { code, output } = await runTool([binary, 'call', peer.address], { folder: tmpdir(), signal })
    expect(code, output).toBe(0)
    const lines = output.trim().split('\n')
    outcomes = new Map(lines.map((line) => JSON.parse(line) as Outcome).map((one) => [one.case, one]))
  })

  test('gets back every field that it sends, also zeros and empty ones, and metadata', () => {
    const { mood: _mood, id, data, ...same } = everything
    expect(outcome('say')).toMatchObject({
      code: 'OK',
      messages: [
        { text: 'hello Ada', mood: 'MOOD_LOUD', id: String(id), data: Buffer.from(data).toString('base64'), ...same },
      ],
      headers: { 'x-said': ['Ada'], 'x-note': ['hi'] },
      trailers: { 'x-after': ['Ada'] },
    })
    // Bytes that are no text, which JSON cannot hold.
    expect(outcome('say')?.headers?.['x-raw-bin']).toHaveLength(1)
  })

  test('gets nothing for what it does not send', () => {
    expect(outcome('least')).toMatchObject({ code: 'OK', messages: [{ text: 'hello Ada' }] })
  })

  test('may compress what it sends', () => {
    expect(outcome('compressed')).toMatchObject({ code: 'OK', messages: [{ text: 'hello Ada' }] })
  })

  test('streams in all directions', () => {
    const counted = [{ value: '1' }, { value: '2' }, { value: '3' }]
    expect(outcome('count')).toMatchObject({ code: 'OK', messages: counted })
    expect(outcome('sum')).toMatchObject({ code: 'OK', messages: [{ total: '42', itemCount: '3' }] })
    expect(outcome('chat')).toMatchObject({ code: 'OK', messages: [{ text: 'heard a' }, { text: 'heard ü' }] })
  })

  test('is told code, message, details and trailers of a failure', () => {
    expect(outcome('missing')).toMatchObject({
      code: 'NotFound',
      message: 'nobody is not here',
      details: expect.arrayContaining([
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', domain: 'peer', reason: 'no_such_name' },
        { '@type': 'type.googleapis.com/google.protobuf.Struct', value: { name: 'nobody', retryable: false } },
      ]),
      trailers: { 'x-after': ['nobody'] },
    })
    expect(outcome('invalid')).toMatchObject({
      code: 'InvalidArgument',
      details: expect.arrayContaining([
        expect.objectContaining({
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [expect.objectContaining({ field: '/name' })],
        }),
      ]),
    })
    expect(outcome('fails')).toMatchObject({ code: 'OutOfRange', message: '13 is unlucky' })
    expect(outcome('fails')?.messages).toHaveLength(12)
  })

  test('ends calls by deadline and by cancelling, and the handler is told', () => {
    expect(outcome('deadline')).toMatchObject({ code: 'DeadlineExceeded' })
    // Both sides have the time, and on a busy machine the one whose timer comes first tells the other much earlier.
    const ended = { code: expect.stringMatching(/deadline_exceeded|cancelled/) as string }
    expect(outcome('deadlineSeen')).toMatchObject({ messages: [ended] })
    expect(outcome('cancel')).toMatchObject({ code: 'Canceled', messages: [{ text: 'heard a' }] })
    expect(outcome('cancelSeen')).toMatchObject({ messages: [{ code: 'cancelled' }] })
  })
})

/** A server of grpc-go, and our client of it. */
async function startGoServer() {
  const child: ChildProcess = spawn(binary, ['serve'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const [text] = child.stdout ? ((await once(child.stdout, 'data')) as [Buffer]) : []
  const channel = grpcClient().open({ contract: contractInfo(peers), address: `127.0.0.1:${String(text).trim()}` })
  return {
    client: buildClient(peers, channel),
    async [Symbol.asyncDispose]() {
      await channel.close()
      child.kill()
      await ended
    },
  }
}

async function* each<Item>(...items: readonly Item[]): AsyncGenerator<Item> {
  yield* items
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const read: Item[] = []
  for await (const item of items) read.push(item)
  return read
}

const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

describe.skipIf(absence)(`a server of grpc-go, made from our .proto${why}`, () => {
  test('gives back every field that our client sends, and metadata', async () => {
    await using go = await startGoServer()
    const heard: Record<string, unknown> = {}
    const said = await go.client.say(
      { name: 'Ada', ...everything },
      {
        metadata: { 'x-note': 'hi', 'x-raw-bin': '/wA=' },
        timeoutMs: 20_000,
        onHeaders: (headers) => Object.assign(heard, headers),
        onTrailers: (trailers) => Object.assign(heard, trailers),
      },
    )
    expect(said).toEqual({ text: 'hello Ada', ...everything })
    expect(heard).toMatchObject({ 'x-said': 'Ada', 'x-note': 'hi', 'x-has-deadline': 'true', 'x-after': 'Ada' })
    expect(heard['x-raw-bin']).toMatch(/^\/wA=?$/)
    expect(await go.client.say({ name: 'Ada', ranks: [], labels: {} })).toEqual({
      text: 'hello Ada',
      ranks: [],
      labels: {},
    })
  })

  test('streams in all directions', async () => {
    await using go = await startGoServer()
    expect(await all(go.client.count({ upTo: 3 }))).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }])
    const sum = await go.client.sum(each({ value: 1 }, { value: 2 }, { value: 39 }))
    expect(sum).toEqual({ total: 42, itemCount: 3 })
    const heard = await all(go.client.chat(each({ text: 'a' }, { text: 'ü' })))
    expect(heard).toEqual([{ text: 'heard a' }, { text: 'heard ü' }])
  })

  test('fails with an error that our client reads whole', async () => {
    await using go = await startGoServer()
    expect(await failureOf(go.client.say({ name: 'nobody', ranks: [], labels: {} }))).toMatchObject({
      code: 'not_found',
      message: 'nobody is not here',
      reason: 'no_such_name',
      details: { name: 'nobody', retryable: false, retryDelayMs: 1_500 },
    })
    const wrong = await failureOf(go.client.say({ name: 'wrong', ranks: [], labels: {} }))
    const violations = [{ field: '/name', message: 'must be right' }]
    expect(wrong).toMatchObject({ code: 'invalid_argument', details: { violations } })
    const values: number[] = []
    const counted = async () => {
      for await (const { value } of go.client.count({ upTo: 20 })) values.push(value)
    }
    expect(await failureOf(counted())).toMatchObject({ code: 'out_of_range', reason: 'unlucky' })
    expect(values).toHaveLength(12)
  })

  test('is told of a deadline and of a caller that leaves', async () => {
    await using go = await startGoServer()
    const seen = (code: RegExp) => eventually(async () => expect((await go.client.lastEnd({})).code).toMatch(code))
    const waited = failureOf(go.client.wait({}, { timeoutMs: 200 }))
    expect(await waited).toMatchObject({ code: 'deadline_exceeded' })
    // Both sides have the time, and the one whose timer comes first tells the other.
    await seen(/deadline_exceeded|cancelled/)
    const leaving = new AbortController()
    const heard: string[] = []
    const chatted = async () => {
      for await (const { text } of go.client.chat(endless(leaving.signal), { signal: leaving.signal })) {
        heard.push(text)
        leaving.abort(new ServiceError('cancelled', 'left'))
      }
    }
    expect(await failureOf(chatted())).toMatchObject({ code: 'cancelled' })
    expect(heard).toEqual(['heard a'])
    await seen(/cancelled/)
  })
})

/** One line, then nothing until the signal fires. */
async function* endless(signal: AbortSignal): AsyncGenerator<{ readonly text: string }> {
  yield { text: 'a' }
  if (!signal.aborted) await once(signal, 'abort')
}
