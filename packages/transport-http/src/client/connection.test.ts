import { once } from 'node:events'
import { ServiceError } from '@tenon/core/transport'
import { afterEach, expect, test, vi } from 'vitest'
import { ada, collect, failureOf, open, users } from './http-client.test-harness.ts'
import { type RawReply, rawServer, reply } from './raw-server.test-harness.ts'

afterEach(() => void vi.useRealTimers())

const userReply = reply({ body: JSON.stringify(ada) })

test('calls one after another share connections, calls side by side have as many as they may', async () => {
  await using server = await rawServer(({ socket }) => socket.write(userReply))
  await using demo = open(server.port, { connectionsPerAddress: 3 })
  for (let count = 0; count < 8; count += 1) await demo.client.renameUser(ada)
  // undici looks at a connection again a turn of the event loop later, so that calls in close succession take turns.
  expect(server.connectionCount).toBeLessThanOrEqual(2)
  await Promise.all(Array.from({ length: 8 }, () => demo.client.renameUser(ada)))
  expect(server.connectionCount).toBe(3)
})

test('a connection that the server announced to close is never used again, whatever it does with it', async () => {
  await using server = await rawServer(({ socket, connection }, index) => {
    socket.write(reply({ body: JSON.stringify(ada), headers: connection === 0 ? { connection: 'close' } : {} }))
    // It stays open on this side, and would be reset by the next request.
    if (connection === 0 && index > 0) socket.resetAndDestroy()
  })
  await using demo = open(server.port)
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  expect(server.connectionCount).toBe(2)
})

test('a connection that the server keeps for no longer than the margin is not used again', async () => {
  await using server = await rawServer(({ socket, connection }, index) => {
    if (connection === 0 && index > 0) return socket.resetAndDestroy()
    return socket.write(reply({ body: JSON.stringify(ada), headers: { 'keep-alive': 'timeout=2' } }))
  })
  await using demo = open(server.port, { keepAliveTimeoutMs: 600_000 })
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  expect(server.connectionCount).toBe(2)
})

test('a connection that the server closed while no call used it is not used again', async () => {
  const closing: Promise<unknown>[] = []
  await using server = await rawServer(({ socket, connection }) => {
    socket.write(userReply)
    if (connection === 0) closing.push(once(socket, 'close'))
    if (connection === 0) socket.end()
  })
  await using demo = open(server.port)
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  await Promise.all(closing)
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  expect(server.connectionCount).toBe(2)
})

test('a call that may be repeated survives a connection that closes under it, by a new one and once', async () => {
  const cutRequests = [1, 4, 5]
  await using server = await rawServer(({ socket }, index) => {
    if (cutRequests.includes(index)) socket.destroy()
    else socket.write(userReply)
  })
  await using demo = open(server.port, { connectionsPerAddress: 1 })
  const ask = () => demo.client.getUser({ userId: 'u-1' })
  for (let count = 0; count < 3; count += 1) expect(await ask()).toEqual(ada)
  // Connection 2 closes, and the one made for the second attempt as well.
  const lost = { code: 'unavailable', reason: 'connection_lost' }
  expect(await failureOf(ask())).toMatchObject(lost)
  expect([server.texts.length, server.connectionCount]).toEqual([6, 4])
})

test('a call whose connection never answered anything is sent once: an outage has no more requests than calls', async () => {
  await using server = await rawServer(({ socket }) => socket.destroy())
  await using demo = open(server.port)
  const lost = { code: 'unavailable', reason: 'connection_lost' }
  for (let count = 0; count < 5; count += 1) {
    const calls = Array.from({ length: 10 }, () => failureOf(demo.client.getUser({ userId: 'u-1' })))
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject(lost)
  }
  expect(server.texts).toHaveLength(50)
})

test('a connection that is made anew has answered nothing yet', async () => {
  await using server = await rawServer(({ socket }, index) => {
    if (index === 0) socket.write(reply({ body: JSON.stringify(ada), headers: { connection: 'close' } }))
    else socket.destroy()
  })
  await using demo = open(server.port, { connectionsPerAddress: 1 })
  expect(await demo.client.getUser({ userId: 'u-1' })).toEqual(ada)
  expect(await failureOf(demo.client.getUser({ userId: 'u-1' }))).toMatchObject({ reason: 'connection_lost' })
  expect(server.texts).toHaveLength(2)
})

test('a stream that may be repeated survives it as well', async () => {
  await using server = await rawServer(({ socket }, index) => {
    const body = `${JSON.stringify(ada)}\n\n`
    if (index === 0) socket.write(userReply)
    else if (index === 1) socket.resetAndDestroy()
    else socket.write(reply({ body, headers: { 'content-type': 'application/x-ndjson' } }))
  })
  await using demo = open(server.port, { connectionsPerAddress: 1 })
  await demo.client.getUser({ userId: 'u-1' })
  expect(await collect(demo.client.watchUsers({ limit: 1 }))).toEqual([ada])
})

test('a call that may not be repeated is sent once, and its error says that it may have been carried out', async () => {
  await using server = await rawServer(({ socket }) => socket.resetAndDestroy())
  await using demo = open(server.port)
  const lost = { code: 'unavailable', reason: 'connection_lost' }
  expect(await failureOf(demo.client.renameUser(ada))).toMatchObject(lost)
  expect(await failureOf(demo.client.addLines([{ text: 'a' }]))).toMatchObject(lost)
  expect(server.texts).toHaveLength(2)
})

test('a reply that breaks off, in its head or its body, is lost and not asked for again', async () => {
  await using server = await rawServer(({ socket }, index) =>
    socket.end(index === 0 ? userReply.slice(0, -3) : userReply.slice(0, 30)),
  )
  await using demo = open(server.port)
  for (let count = 0; count < 2; count += 1) {
    const failure = await failureOf(demo.client.getUser({ userId: 'u-1' }))
    expect(failure).toMatchObject({ code: 'unavailable', reason: 'connection_lost' })
  }
  expect(server.texts).toHaveLength(2)
})

test('a reply that cannot be read is the remote\u2019s fault', async () => {
  const replies: readonly RawReply[] = [
    { body: '<html>', headers: { 'content-type': 'text/html' } },
    { body: '{"userId":' },
    { body: '{}' },
    { body: '"\xff"', headers: { 'content-length': '3' } },
  ]
  await using server = await rawServer(({ socket }, index) => socket.write(reply(replies[index]), 'latin1'))
  await using demo = open(server.port)
  for (const { body = '' } of replies)
    expect(await failureOf(demo.client.renameUser(ada)), body).toMatchObject(
      // What does not fit the schema is told by the client itself, as for every transport.
      body === '{}' ? { message: expect.stringContaining('schema') } : { code: 'internal', reason: 'undecodable' },
    )
})

test('a reply without content is an object without fields, whether it says 204 or not', async () => {
  const heads = ['204 No Content', '200 OK\r\ncontent-length: 0']
  await using server = await rawServer(({ socket }, index) => socket.write(`HTTP/1.1 ${heads[index]}\r\n\r\n`))
  await using demo = open(server.port)
  const plain = { metadata: {}, timeoutMs: undefined, signal: undefined }
  for (const _head of heads) expect(await demo.channel.unary(users.forgetUser, { userId: 'u-1' }, plain)).toEqual({})
})

test('a request says what it is: verb, path, accepted types, deadline, and a length where there is a body', async () => {
  await using server = await rawServer(({ socket }) => socket.write(userReply))
  await using demo = open(server.port)
  await demo.client.renameUser({ userId: 'a:rename', name: 'Ada' }, { timeoutMs: 5_000, metadata: { 'x-note': 'a' } })
  const [head = '', body] = (server.texts[0] ?? '').toLowerCase().split('\r\n\r\n')
  const [line, ...fields] = head.split('\r\n')
  expect(line).toBe('post /v1/users/a%3arename:rename http/1.1')
  expect(fields).toEqual(
    expect.arrayContaining([
      `host: 127.0.0.1:${server.port}`,
      'connection: keep-alive',
      'accept: application/json, application/problem+json',
      'content-type: application/json',
      'content-length: 14',
      'x-note: a',
      expect.stringMatching(/^x-request-timeout-ms: (?:5000|4\d{3})$/),
    ]),
  )
  expect(body).toBe('{"name":"ada"}')
  await demo.client.getUser({ userId: 'u' })
  expect(server.texts[1]).not.toMatch(/content-|x-request-timeout/i)
})

test('each attempt says how much time is left when it is made, not when the call began', async () => {
  await using server = await rawServer(({ socket }, index) => {
    if (index !== 1) return socket.write(userReply)
    vi.advanceTimersByTime(500)
    return socket.destroy()
  })
  await using demo = open(server.port, { connectionsPerAddress: 1 })
  vi.useFakeTimers({ toFake: ['performance'] })
  const ask = () =>
    demo.channel.unary(users.getUser, { userId: 'u' }, { metadata: {}, timeoutMs: 5_000, signal: undefined })
  const first = ask()
  // While undici is loaded.
  vi.advanceTimersByTime(1_000)
  expect(await first).toEqual(ada)
  expect(await ask()).toEqual(ada)
  const told = server.texts.map((text) => /^x-request-timeout-ms: (\d+)\r$/m.exec(text)?.[1])
  expect(told).toEqual(['4000', '5000', '4500'])
})

test('a stream that breaks off gives what came, then fails', async () => {
  await using server = await rawServer(({ socket }) => {
    const line = `${JSON.stringify(ada)}\n`
    socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${line.length.toString(16)}\r\n${line}\r\n`)
    setImmediate(() => socket.end('20\r\n{"userId'))
  })
  await using demo = open(server.port)
  const items = demo.client.watchUsers({ limit: 1 })[Symbol.asyncIterator]()
  expect((await items.next()).value).toEqual(ada)
  expect(await failureOf(items.next())).toMatchObject({ code: 'unavailable', reason: 'connection_lost' })
})

test('a connection that cannot be made is no request that was sent', async () => {
  let port: number
  {
    await using server = await rawServer(() => undefined)
    port = server.port
  }
  await using demo = open(port)
  const failure = await failureOf(demo.client.renameUser(ada))
  expect(failure).toMatchObject({ code: 'unavailable', reason: 'connection_failed' })
  expect(ServiceError.is(failure) && failure.cause).toMatchObject({ code: 'ECONNREFUSED' })
})

test('bytes that are no HTTP, and a head that has no end, are a connection lost', async () => {
  await using server = await rawServer(({ socket }, index) =>
    socket.write(index === 0 ? 'SSH-2.0-OpenSSH_9.6\r\n' : `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(70_000)}`),
  )
  await using demo = open(server.port)
  for (let count = 0; count < 2; count += 1)
    expect(await failureOf(demo.client.renameUser(ada))).toMatchObject({
      code: 'unavailable',
      reason: 'connection_lost',
    })
})

test('what comes before the reply is passed over', async () => {
  await using server = await rawServer(({ socket }) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n')
    socket.write(userReply)
  })
  await using demo = open(server.port)
  expect(await demo.client.renameUser(ada)).toEqual(ada)
})

test('a reply over the limit is refused, whole or as a record, and the connection dropped', async () => {
  const limit = { maxResponseBytes: 100 }
  const tooLarge = { code: 'internal', reason: 'reply_too_large', message: expect.stringContaining('100 bytes') }
  const dropped: Promise<unknown>[] = []
  await using server = await rawServer(({ socket }) => {
    dropped.push(once(socket, 'close'))
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(200)}`,
    )
  })
  await using demo = open(server.port, limit)
  expect(await failureOf(demo.client.renameUser(ada))).toMatchObject(tooLarge)
  expect(await failureOf(collect(demo.client.watchUsers({ limit: 1 })))).toMatchObject(tooLarge)
  await Promise.all(dropped)
})

test('a call whose deadline passes before the connection is made fails in time, and is never sent', async () => {
  await using server = await rawServer(({ socket }, index) => {
    if (index > 0) socket.write(userReply)
  })
  await using demo = open(server.port, { connectionsPerAddress: 1 })
  const first = failureOf(demo.client.getUser({ userId: 'first' }, { timeoutMs: 200 }))
  const waiting = failureOf(demo.client.getUser({ userId: 'second' }, { timeoutMs: 50 }))
  expect(await waiting).toMatchObject({ code: 'deadline_exceeded' })
  expect(await first).toMatchObject({ code: 'deadline_exceeded' })
  expect(await demo.client.getUser({ userId: 'third' })).toEqual(ada)
  expect(server.texts.map((text) => /users\/(\w+)/.exec(text)?.[1])).toEqual(['first', 'third'])
})
