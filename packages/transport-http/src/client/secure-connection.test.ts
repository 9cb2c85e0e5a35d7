import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { ada, collect, failureOf, open } from './http-client.test-harness.ts'
import { rawServer, reply } from './raw-server.test-harness.ts'
import { certificate, privateKey } from './tls.test-harness.ts'

const serverTls = { key: privateKey, cert: certificate }
const clientTls = { ca: certificate, serverName: 'service.test' }

/** Says in each user's name what it saw of the caller. */
function answer(request: IncomingMessage | Http2ServerRequest, given: ServerResponse | Http2ServerResponse): void {
  // What is called here both have alike.
  const response = given as ServerResponse
  const { socket } = request
  const peer = socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined
  const user = JSON.stringify({ userId: request.url, name: `${request.httpVersion} ${String(peer)}` })
  request.resume()
  if (request.url?.startsWith('/v1/users:watch')) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end(`${user}\n${user}\n`)
  } else response.writeHead(200, { 'content-type': 'application/json' }).end(user)
}

async function listening<S extends Server>(server: S) {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const secureServer = (options: ServerOptions = {}) => listening(createServer({ ...serverTls, ...options }, answer))

test('speaks TLS with a server whose certificate is for the name that was asked for, and with no other', async () => {
  await using server = await secureServer()
  await using demo = open(server.port, { tls: clientTls })
  expect(await demo.client.getUser({ userId: 'u' })).toEqual({ userId: '/v1/users/u', name: '1.1 undefined' })
  for (const tls of [{ ca: certificate }, { serverName: 'service.test' }, { ...clientTls, serverName: 'other.test' }]) {
    await using stranger = open(server.port, { tls })
    const failure = await failureOf(stranger.client.renameUser(ada))
    expect(failure).toMatchObject({ code: 'unavailable', reason: 'connection_failed' })
  }
})

test('shows its own certificate to a server that asks for one', async () => {
  await using server = await secureServer({ requestCert: true, rejectUnauthorized: true, ca: certificate })
  await using known = open(server.port, { tls: { ...clientTls, cert: certificate, key: privateKey } })
  expect(await known.client.getUser({ userId: 'u' })).toMatchObject({ name: '1.1 service.test' })
  await using unknown = open(server.port, { tls: clientTls })
  expect(await failureOf(unknown.client.renameUser(ada))).toMatchObject({ code: 'unavailable' })
})

test('speaks HTTP/2 where it may and the server can, with all calls on one connection', async () => {
  let connectionCount = 0
  const native = createSecureServer({ ...serverTls, allowHTTP1: true }, answer)
  native.on('secureConnection', () => (connectionCount += 1))
  await using server = await listening(native)
  await using demo = open(server.port, { tls: clientTls, http2: true })
  const users = await Promise.all(Array.from({ length: 20 }, () => demo.client.renameUser(ada)))
  for (const { name } of users) expect(name).toMatch(/^2\.0/)
  expect(await collect(demo.client.watchUsers({ limit: 2 }))).toHaveLength(2)
  expect(connectionCount).toBe(1)
  await using plain = open(server.port, { tls: clientTls })
  expect((await plain.client.renameUser(ada)).name).toMatch(/^1\.1/)
})

test('over HTTP/2 too a call is sent anew only where its connection had answered', async () => {
  const cutCalls = [2, 4]
  let callCount = 0
  const native = createSecureServer(serverTls, (request, response) => {
    callCount += 1
    if (cutCalls.includes(callCount)) request.stream.session?.destroy()
    else answer(request, response)
  })
  await using server = await listening(native)
  await using demo = open(server.port, { tls: clientTls, http2: true })
  const ask = () => demo.client.getUser({ userId: 'u' })
  for (let count = 0; count < 2; count += 1) expect((await ask()).name).toMatch(/^2\.0/)
  expect(await failureOf(ask())).toMatchObject({ code: 'unavailable', reason: 'connection_lost' })
  expect(callCount).toBe(4)
})

test('leaving a stream over HTTP/2 ends that stream and no other call', async () => {
  const left = Promise.withResolvers<void>()
  const native = createSecureServer(serverTls, (request, response) => {
    if (!request.url.startsWith('/v1/users:watch')) return answer(request, response)
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write(`${JSON.stringify(ada)}\n`)
    response.stream.on('close', () => left.resolve())
  })
  await using server = await listening(native)
  await using demo = open(server.port, { tls: clientTls, http2: true })
  const items = demo.client.watchUsers({ limit: 1 })[Symbol.asyncIterator]()
  await items.next()
  const others = demo.client.watchUsers({ limit: 1 })[Symbol.asyncIterator]()
  await others.next()
  await items.return?.()
  await left.promise
  expect((await demo.client.renameUser(ada)).name).toMatch(/^2\.0/)
  await others.return?.()
})

test('an input stream that breaks off is never taken for complete, so that it goes over HTTP/1.1', async () => {
  const events: string[] = []
  const gone = Promise.withResolvers<void>()
  const native = createSecureServer({ ...serverTls, allowHTTP1: true }, (request) => {
    request.on('end', () => events.push('end')).on('error', () => undefined)
    request.on('aborted', () => events.push(`aborted ${request.httpVersion}`)).on('close', () => gone.resolve())
    request.resume()
  })
  await using server = await listening(native)
  await using demo = open(server.port, { tls: clientTls, http2: true })
  const inputs = (async function* () {
    yield { text: 'a' }
    await new Promise(setImmediate)
    throw new Error('out of paper')
  })()
  expect(await failureOf(demo.client.addLines(inputs))).toMatchObject({ message: 'out of paper' })
  await gone.promise
  expect(events).toEqual(['aborted 1.1'])
})

test('forwards http through a proxy, with the credential that the proxy wants', async () => {
  await using proxy = await rawServer(({ socket }) => socket.write(reply({ body: JSON.stringify(ada) })))
  await using demo = open(1, { proxy: `http://me:pass%40word@127.0.0.1:${proxy.port}` })
  expect(await demo.client.renameUser(ada)).toEqual(ada)
  const [text = ''] = proxy.texts
  expect(text).toMatch(/^POST http:\/\/127\.0\.0\.1:1\/v1\/users\/u-1:rename HTTP\/1\.1\r\n/)
  expect(text.toLowerCase()).toContain('host: 127.0.0.1:1\r\n')
  expect(text).toContain(`proxy-authorization: Basic ${Buffer.from('me:pass@word').toString('base64')}`)
})

test('a connection through a proxy that closes under a call which may be repeated costs it nothing, if it had answered', async () => {
  await using proxy = await rawServer(({ socket }, index) => {
    if (index === 0 || index === 2) socket.write(reply({ body: JSON.stringify(ada) }))
    else socket.destroy()
  })
  await using demo = open(1, { proxy: `http://127.0.0.1:${proxy.port}` })
  const ask = () => demo.client.getUser({ userId: 'u-1' })
  expect(await ask()).toEqual(ada)
  // undici looks at a connection again a turn of the event loop later.
  await new Promise((resolve) => void setImmediate(resolve))
  expect(await ask()).toEqual(ada)
  expect(await failureOf(ask())).toMatchObject({ code: 'unavailable', reason: 'connection_lost' })
  expect(proxy.texts).toHaveLength(4)
})

test('tunnels https through a proxy, which sees nothing of the calls', async () => {
  await using server = await secureServer()
  const native = createHttpServer()
  const targets: string[] = []
  native.on('connect', (request: IncomingMessage, socket: Socket) => {
    targets.push(request.url ?? '')
    const through = connect(server.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      through.pipe(socket).pipe(through)
    }).on('error', () => socket.destroy())
    socket.on('error', () => through.destroy())
  })
  await using proxy = await listening(native)
  await using demo = open(server.port, { tls: clientTls, proxy: `http://127.0.0.1:${proxy.port}` })
  expect(await demo.client.getUser({ userId: 'u' })).toMatchObject({ userId: '/v1/users/u' })
  expect(await collect(demo.client.watchUsers({ limit: 2 }))).toHaveLength(2)
  expect(targets[0]).toBe(`127.0.0.1:${server.port}`)
})

test('a proxy that refuses makes the service unavailable', async () => {
  await using proxy = await rawServer(({ socket }) =>
    socket.write('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'),
  )
  const options = { proxy: `http://127.0.0.1:${proxy.port}` }
  await using forwarded = open(1, options)
  expect(await failureOf(forwarded.client.renameUser(ada))).toMatchObject({ code: 'unavailable' })
  await using tunnelled = open(1, { ...options, tls: clientTls })
  const failure = await failureOf(tunnelled.client.renameUser(ada))
  expect(failure).toMatchObject({ code: 'unavailable', reason: 'connection_failed' })
})
