import { once } from 'node:events'
import { fault } from '@tenon/core'
import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { ada, collect, failureOf, open, serve, start, users } from './http-client.test-harness.ts'

test('a call carries input, metadata and deadline, and gives the output', async () => {
  await using demo = await start({
    getUser: async ({ userId, tags, size }, call) => ({
      userId,
      name: `${tags?.join('|')} ${size} ${call.metadata['x-note']} ${call.remainingMs() <= 5_000}`,
    }),
  })
  const options = { metadata: { 'x-note': 'gr\u00fcn, b' }, timeoutMs: 5_000 }
  const input = { userId: 'a/b c?:cancel', tags: ['x&y=z', ' ', '\u00e9'], size: 2n ** 60n }
  expect(await demo.client.getUser(input, options)).toEqual({
    userId: 'a/b c?:cancel',
    name: `x&y=z| |\u00e9 ${2n ** 60n} gr\u00fcn, b true`,
  })
})

test('every verb and body comes through: path with a custom verb, JSON with native values, bytes, and nothing', async () => {
  await using demo = await start()
  const odd = { userId: 'u:rename', name: 'Ada \ud83d\udc69' }
  expect(await demo.client.renameUser(odd)).toEqual(odd)
  expect(await demo.client.getUser({ userId: 'u:rename' })).toEqual({ ...ada, userId: 'u:rename' })
  expect(await demo.client.forgetUser({ userId: 'u-1' })).toEqual({})
  const photo = new Uint8Array([0, 255, 10, 13])
  expect(await demo.client.putPhoto({ userId: 'u-1', photo })).toEqual(photo)
  expect(await demo.client.putPhoto({ userId: 'u-1', photo: new Uint8Array() })).toEqual(new Uint8Array())
  const native = { big: -(2n ** 63n), raw: new Uint8Array([1, 2, 3]) }
  expect(await demo.client.addBig(native)).toEqual(native)
  // As an interceptor sees it, too.
  const [operation] = Object.values(users).filter(({ name }) => name === 'addBig')
  if (operation === undefined) throw new Error('addBig is missing')
  const plain = { metadata: {}, timeoutMs: undefined, signal: undefined }
  expect(await demo.channel.unary(operation, native, plain)).toEqual(native)
})

test('a reply without a body is an object without fields, and a redirect its address as it was sent', async () => {
  await using demo = await start()
  const url = `http://127.0.0.1:${demo.port}/v1`
  for (const [name, status] of [
    ['clear', 204],
    ['reset', 205],
  ] as const) {
    const reply = await fetch(`${url}/users:${name}`, { method: 'POST' })
    expect([reply.status, await reply.text()]).toEqual([status, ''])
    expect(await demo.client[`${name}Users`]({})).toEqual({})
  }
  const reply = await fetch(`${url}/home`, { redirect: 'manual' })
  expect([reply.status, reply.headers.get('location')]).toEqual([302, '/%C3%A9?q=%20'])
  expect(await demo.client.findHome({})).toEqual({ home: '/%C3%A9?q=%20' })
})

test('an error of the callee is thrown with its code, reason and details', async () => {
  await using demo = await start({
    getUser: async () => {
      throw fault(users.getUser, 'not_found', {
        message: 'no such user',
        reason: 'gone',
        details: { retryDelayMs: 5, rank: 2 },
      })
    },
  })
  const error = await failureOf(demo.client.getUser({ userId: 'u-1' }))
  expect(ServiceError.is(error)).toBe(true)
  expect(error).toMatchObject({
    code: 'not_found',
    message: 'no such user',
    reason: 'gone',
    details: { retryDelayMs: 5, rank: 2 },
  })
})

test('a stream gives its items, and its error after them', async () => {
  await using demo = await start({
    watch: async function* () {
      yield ada
      throw new ServiceError('aborted', 'enough', { reason: 'full' })
    },
  })
  const items = demo.client.watchUsers({ limit: 1 })[Symbol.asyncIterator]()
  expect((await items.next()).value).toEqual(ada)
  expect(await failureOf(items.next())).toMatchObject({ code: 'aborted', message: 'enough', reason: 'full' })
})

test('an input stream is sent, also an empty one, and both directions flow at once', async () => {
  await using demo = await start()
  const texts = ['a', '\u2028', 'b\nc']
  expect(await demo.client.addLines(texts.map((text) => ({ text })))).toEqual({ count: 3 })
  expect(await demo.client.addLines([])).toEqual({ count: 0 })
  expect(await collect(demo.client.echoLines([]))).toEqual([])
  const answered = Promise.withResolvers<void>()
  const inputs = (async function* () {
    yield { text: 'first' }
    await answered.promise
    yield { text: 'second' }
  })()
  const echoed: string[] = []
  for await (const { text } of demo.client.echoLines(inputs)) {
    echoed.push(text)
    answered.resolve()
  }
  expect(echoed).toEqual(['first', 'second'])
})

test('the callee learns of an input stream before its first item, and may speak first', async () => {
  await using demo = await start({
    echo: async function* (items) {
      yield { text: 'welcome' }
      yield* items
    },
  })
  const welcomed = Promise.withResolvers<void>()
  const inputs = (async function* () {
    await welcomed.promise
    yield { text: 'thanks' }
  })()
  const texts: string[] = []
  for await (const { text } of demo.client.echoLines(inputs)) {
    texts.push(text)
    welcomed.resolve()
  }
  expect(texts).toEqual(['welcome', 'thanks'])
})

test('an answer before the inputs have ended closes their source', async () => {
  await using demo = await start({
    addLines: async (items) => {
      for await (const _item of items) return { count: -1 }
      return { count: 0 }
    },
  })
  const closed = Promise.withResolvers<void>()
  const inputs = (async function* () {
    try {
      for (;;) yield { text: 'x'.repeat(1_000) }
    } finally {
      closed.resolve()
    }
  })()
  expect(await demo.client.addLines(inputs)).toEqual({ count: -1 })
  await closed.promise
})

test('what the inputs throw is thrown, and one that does not fit is the caller\u2019s fault', async () => {
  await using demo = await start()
  const broken = (async function* () {
    yield { text: 'a' }
    throw new RangeError('out of paper')
  })()
  expect(await failureOf(demo.client.addLines(broken))).toMatchObject({ name: 'RangeError', message: 'out of paper' })
  const again = (async function* () {
    yield { text: 'a' }
    throw new RangeError('out of paper')
  })()
  expect(await failureOf(collect(demo.client.echoLines(again)))).toMatchObject({ message: 'out of paper' })
  const misfit = [{ text: 'a' }, { text: 1 as never }]
  expect(await failureOf(demo.client.addLines(misfit))).toMatchObject({ code: 'invalid_argument' })
})

test('leaving the loop cancels the call, and ends its inputs', async () => {
  const finished = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ] as const
  await using demo = await start({
    watch: async function* (_limit, call) {
      try {
        yield ada
        await once(call.signal, 'abort')
      } finally {
        finished[0].resolve()
      }
    },
    echo: async function* (items) {
      try {
        yield* items
      } finally {
        finished[1].resolve()
      }
    },
  })
  for await (const item of demo.client.watchUsers({ limit: 1 })) {
    expect(item).toEqual(ada)
    break
  }
  await finished[0].promise
  const text = 'x'.repeat(1_000)
  const inputs = (async function* () {
    try {
      for (;;) yield { text }
    } finally {
      finished[2].resolve()
    }
  })()
  for await (const item of demo.client.echoLines(inputs)) {
    expect(item).toEqual({ text })
    break
  }
  await Promise.all([finished[1].promise, finished[2].promise])
})

test('the deadline ends a call, unary and streaming', async () => {
  await using demo = await start({
    getUser: async () => new Promise(() => undefined),
    watch: async function* (_limit, call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  const late = { code: 'deadline_exceeded' }
  expect(await failureOf(demo.client.getUser({ userId: 'u' }, { timeoutMs: 50 }))).toMatchObject(late)
  expect(await failureOf(collect(demo.client.watchUsers({ limit: 1 }, { timeoutMs: 50 })))).toMatchObject(late)
})

test('a signal ends a call as cancelled: before it is sent, while it runs, and between two items', async () => {
  const arrived = Promise.withResolvers<void>()
  await using demo = await start({
    getUser: async () => {
      arrived.resolve()
      return new Promise(() => undefined)
    },
    watch: async function* (_limit, call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  const cancelled = { code: 'cancelled' }
  const early = { signal: AbortSignal.abort() }
  expect(await failureOf(demo.client.getUser({ userId: 'u' }, early))).toMatchObject(cancelled)
  expect(await failureOf(collect(demo.client.watchUsers({ limit: 1 }, early)))).toMatchObject(cancelled)
  const caller = new AbortController()
  const items = demo.client.watchUsers({ limit: 1 }, { signal: caller.signal })[Symbol.asyncIterator]()
  await items.next()
  const running = demo.client.getUser({ userId: 'u' }, { signal: caller.signal })
  await arrived.promise
  caller.abort()
  expect(await failureOf(running)).toMatchObject(cancelled)
  expect(await failureOf(items.next())).toMatchObject(cancelled)
})

test('a callee that is down is unavailable before anything was sent, and found again when it is back', async () => {
  const { started, port } = await serve()
  await using demo = open(port)
  expect(await demo.client.getUser({ userId: 'u-1' })).toEqual(ada)
  await started.stop()
  expect(await failureOf(demo.client.renameUser(ada))).toMatchObject({
    code: 'unavailable',
    reason: 'connection_failed',
  })
  const again = await serve({ port })
  expect(await demo.client.getUser({ userId: 'u-1' })).toEqual(ada)
  await again.started.stop()
})

test('an operation without a route is unimplemented, a route that is not there not found', async () => {
  await using demo = await start()
  expect(await failureOf(demo.client.hiddenUsers({}))).toMatchObject({ code: 'unimplemented' })
  expect(await failureOf(demo.client.newUsers({}))).toMatchObject({ code: 'not_found', reason: 'route_not_found' })
})

test('metadata that HTTP cannot carry is refused, unless it was only inherited', async () => {
  await using demo = await start()
  const call = async (metadata: Record<string, string>) => failureOf(demo.client.getUser({ userId: 'u' }, { metadata }))
  expect(await call({ baggage: 'name=\u4e2d' })).toBeUndefined()
  const refused: Record<string, string> = {
    'x-note': '\u4e2d',
    'x-line': 'a\r\nx-evil: 1',
    'x-space': ' a',
    'a b': 'a',
    host: 'elsewhere',
    'content-length': '3',
    'transfer-encoding': 'chunked',
    connection: 'close',
    expect: '100-continue',
    'x-request-timeout-ms': '1',
  }
  for (const [name, value] of Object.entries(refused))
    expect(await call({ [name]: value })).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(name),
    })
})

test('closing lets calls with a deadline end, cancels those without one, and refuses new ones', async () => {
  const arrived = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  await using demo = await start({
    getUser: async () => {
      arrived.resolve()
      await finish.promise
      return ada
    },
    watch: async function* (_limit, call) {
      yield ada
      await once(call.signal, 'abort')
    },
  })
  const running = demo.client.getUser({ userId: 'u' }, { timeoutMs: 60_000 })
  const items = demo.client.watchUsers({ limit: 1 })[Symbol.asyncIterator]()
  await Promise.all([arrived.promise, items.next()])
  const closed = Promise.all([demo.channel.close(), demo.channel.close()])
  const refused = { code: 'unavailable', message: 'the client is closed' }
  expect(await failureOf(demo.client.getUser({ userId: 'u' }))).toMatchObject(refused)
  expect(await failureOf(items.next())).toMatchObject({ code: 'cancelled' })
  finish.resolve()
  expect(await running).toEqual(ada)
  await closed
  expect(await failureOf(collect(demo.client.watchUsers({ limit: 1 })))).toMatchObject(refused)
})

const longCount = 100_000
/** A second where nothing else runs. */
const long = { timeout: 30_000 }
const longText = 'x'.repeat(500)

/** Waits until nothing flows any more that anybody counts. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1, quietTurns = 0; quietTurns < 200; quietTurns += 1) {
    if (count() !== last) quietTurns = 0
    last = count()
    await new Promise(setImmediate)
  }
}

test('a reader that stops holds the callee back, and finds all of a long stream when it goes on', long, async () => {
  let madeCount = 0
  await using demo = await start({
    watch: async function* (limit) {
      for (; madeCount < limit; madeCount += 1) yield { userId: String(madeCount), name: longText }
    },
  })
  let readCount = 0
  for await (const { userId } of demo.client.watchUsers({ limit: longCount })) {
    if (userId !== String(readCount)) expect.fail(`item ${readCount} is ${userId}`)
    readCount += 1
    if (readCount !== 1_000) continue
    await settled(() => madeCount)
    // What sockets and queues hold, and not all of it.
    expect(madeCount).toBeLessThan(longCount / 2)
  }
  expect(readCount).toBe(longCount)
})

test('a callee that stops reading holds back the source of a long input stream', long, async () => {
  let madeCount = 0
  let heldCount = 0
  await using demo = await start({
    addLines: async (items) => {
      let count = 0
      for await (const _item of items) {
        count += 1
        if (count !== 1_000) continue
        await settled(() => madeCount)
        heldCount = madeCount
      }
      return { count }
    },
  })
  const inputs = (async function* () {
    for (; madeCount < longCount; madeCount += 1) yield { text: longText }
  })()
  expect(await demo.client.addLines(inputs)).toEqual({ count: longCount })
  expect(heldCount).toBeLessThan(longCount / 2)
})
