import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { Client, credentials } from '@grpc/grpc-js'
import { ConfigError, LifecycleError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { failureOf, open as openClient, serve as serveTalks } from '../client/client.test-harness.ts'
import { call, frame, type Identity, identity, open, pathOf, serve } from './server.test-harness.ts'

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'tenon-grpc-'))
  return { path, socket: join(path, 'grpc.sock'), [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

const same = (bytes: Buffer): Buffer => bytes

/** A call of a client of grpc-js. */
async function say(target: string, secured = credentials.createInsecure()): Promise<string> {
  const client = new Client(target, secured, { 'grpc.use_local_subchannel_pool': 1 })
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(pathOf('Say'), same, same, frame('Ada').subarray(5), (error, answer) =>
        error ? reject(error) : resolve(String(answer?.subarray(2))),
      )
    })
  } finally {
    client.close()
  }
}

test('a Unix socket is listened at, with the mode that is asked for, and removed on closing', async () => {
  using place = folder()
  for (const [pathMode, mode] of [
    [undefined, 0o660],
    [0o600, 0o600],
  ] as const) {
    await using demo = await serve({ path: place.socket, ...(pathMode === undefined ? {} : { pathMode }) })
    expect(demo.address).toEqual({ protocol: 'grpc', host: `unix:${place.socket}`, port: 0 })
    expect(statSync(place.socket).mode & 0o777).toBe(mode)
    expect(await say(`unix:${place.socket}`)).toBe('hello')
    await demo.server.close()
    expect(existsSync(place.socket)).toBe(false)
  }
})

test('a socket that a dead process has left is replaced', async () => {
  using place = folder()
  const dying = fork(join(import.meta.dirname, 'dying-listener.test-fixture.ts'), [place.socket])
  await once(dying, 'message')
  dying.kill('SIGKILL')
  await once(dying, 'exit')
  expect(statSync(place.socket).isSocket()).toBe(true)
  await using _demo = await serve({ path: place.socket })
  expect(await say(`unix:${place.socket}`)).toBe('hello')
})

test('a socket that somebody listens at, a file and a folder that is not there keep the server from listening', async () => {
  using place = folder()
  await using _first = await serve({ path: place.socket })
  const failure = async (path: string) => serve({ path }).catch((error: unknown) => error)
  const taken = await failure(place.socket)
  expect(taken).toBeInstanceOf(LifecycleError)
  expect(String(taken)).toContain(`${place.socket}: somebody listens there`)
  expect(await say(`unix:${place.socket}`)).toBe('hello')
  const file = join(place.path, 'file')
  writeFileSync(file, 'kept')
  expect(String(await failure(file))).toContain('it is no socket; change the option path of grpcTransport')
  expect(existsSync(file)).toBe(true)
  expect(String(await failure(join(place.path, 'lost', 'grpc.sock')))).toMatch(/lost.*(?:ENOENT|EACCES)/)
})

test('connections beyond the limit are closed at once, and told of once and at the end', async () => {
  await using demo = await serve({ maxConnections: 1 })
  using session = open(demo.port)
  expect((await call(session)).trailers['grpc-status']).toBe('0')
  const told = demo.logged('connections beyond maxConnections are closed')
  for (let count = 0; count < 3; count += 1) {
    const beyond = connect(demo.port, '127.0.0.1')
    await once(beyond.resume(), 'close')
    expect(beyond.bytesRead).toBe(0)
  }
  await told
  const lines = () => demo.lines.flatMap(({ fields, message }) => (message.includes('maxConnections') ? [fields] : []))
  expect(lines()).toEqual([{ maxConnections: 1, droppedCount: 1 }])
  expect((await call(session)).trailers['grpc-status']).toBe('0')
  session.destroy()
  await demo.server.close()
  expect(lines().slice(1)).toEqual([{ maxConnections: 1, droppedCount: 2 }])
})

const [first, second, caller] = [identity('first'), identity('second'), identity('caller')]
const trust = ({ cert }: Identity, own?: Identity) =>
  credentials.createSsl(
    Buffer.from(cert),
    own === undefined ? null : Buffer.from(own.key),
    own === undefined ? null : Buffer.from(own.cert),
  )

test('over TLS a call is served, and who speaks plain text or no HTTP/2 is not', async () => {
  await using demo = await serve({ tls: first })
  expect(demo.address?.protocol).toBe('grpcs')
  expect(await say(`localhost:${demo.port}`, trust(first))).toBe('hello')
  await expect(say(`localhost:${demo.port}`)).rejects.toThrow(/UNAVAILABLE/)
  await expect(say(`localhost:${demo.port}`, trust(second))).rejects.toThrow(/UNAVAILABLE/)
  const old = connectTls({ host: 'localhost', port: demo.port, ca: first.cert, ALPNProtocols: ['http/1.1'] })
  await expect(once(old, 'secureConnect')).rejects.toThrow(/alert no application protocol/)
  expect(await say(`localhost:${demo.port}`, trust(first))).toBe('hello')
})

test('callers without the right certificate are refused where one is required', async () => {
  await using demo = await serve({ tls: { ...first, ca: caller.cert, clientCertificate: 'require' } })
  const target = `localhost:${demo.port}`
  expect(await say(target, trust(first, caller))).toBe('hello')
  await expect(say(target, trust(first))).rejects.toThrow(/UNAVAILABLE/)
  await expect(say(target, trust(first, second))).rejects.toThrow(/UNAVAILABLE/)
})

test('a certificate that is renewed is shown to new connections, while open ones go on', async () => {
  using place = folder()
  const [cert, key] = [join(place.path, 'tls.crt'), join(place.path, 'tls.key')]
  const write = (one: Identity) => {
    writeFileSync(cert, one.cert)
    writeFileSync(key, one.key)
  }
  write(first)
  await using demo = await serve({ tls: { cert, key } })
  using kept = open(demo.port, { isSecure: true, ca: first.cert })
  expect((await call(kept)).trailers['grpc-status']).toBe('0')
  const renewed = demo.logged('new certificate')
  write(second)
  await renewed
  expect(await say(`localhost:${demo.port}`, trust(second))).toBe('hello')
  expect((await call(kept)).trailers['grpc-status']).toBe('0')
})

test('a certificate that cannot be used keeps the server from listening, by its option', async () => {
  for (const [tls, told] of [
    [{ cert: first.cert, key: second.key }, 'grpcTransport: tls.cert and tls.key cannot be used together'],
    [{ cert: '/nowhere/tls.crt', key: first.key }, 'grpcTransport: tls.cert cannot be read'],
  ] as const) {
    const error: unknown = await serve({ tls }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).toContain(told)
  }
})

test('a handshake of TLS that never ends is ended by its time limit, and by a drain at once', async () => {
  await using demo = await serve({ tls: first, handshakeTimeoutMs: 20 })
  const silent = connect(demo.port, '127.0.0.1')
  await once(silent.resume(), 'close')
  await using patient = await serve({ tls: first })
  const waiting = connect(patient.port, '127.0.0.1')
  await once(waiting, 'connect')
  // Half a hello.
  waiting.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
  using session = open(patient.port, { isSecure: true, ca: first.cert })
  expect((await call(session)).trailers['grpc-status']).toBe('0')
  const closed = once(waiting.resume(), 'close')
  await patient.server.drain(new AbortController().signal)
  await closed
})

test('a connection is replaced when it is old, and its calls end as they would', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  await using demo = await serve({ maxConnectionAgeMs: 20 }, async () => {
    await promise
    return { text: 'late' }
  })
  using session = open(demo.port)
  const running = call(session)
  const [code, lastStreamId, text] = (await once(session, 'goaway')) as [number, number, Uint8Array]
  expect([code, lastStreamId, String(Buffer.from(text))]).toEqual([constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1, 'max_age'])
  const closed = once(session, 'close')
  resolve()
  expect((await running).trailers['grpc-status']).toBe('0')
  await closed
})

test('no call is lost while connections are replaced all the time', async () => {
  await using demo = await serve({ maxConnectionAgeMs: 10 })
  const client = new Client(`127.0.0.1:${demo.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  })
  const sayOnce = () =>
    new Promise<string>((resolve) => {
      client.makeUnaryRequest(pathOf('Say'), same, same, frame('Ada').subarray(5), (error) =>
        resolve(error?.message ?? 'served'),
      )
    })
  const ends: string[] = []
  let isOver = false
  const worker = async () => {
    while (!isOver || ends.length < 100) ends.push(await sayOnce())
  }
  let ageCount = 0
  const counted = Promise.withResolvers<void>()
  const session = () => {
    const one = open(demo.port)
    one.once('goaway', () => {
      one.destroy()
      ageCount += 1
      if (ageCount === 20) counted.resolve()
      else session()
    })
  }
  session()
  const working = Promise.all(Array.from({ length: 10 }, worker))
  await counted.promise
  isOver = true
  await working
  client.close()
  expect(ends.filter((end) => end !== 'served')).toEqual([])
})

test('a call that goes on after the grace of an old connection is cut, and its client told that the connection was lost', async () => {
  const age = { maxConnectionAgeMs: 20, maxConnectionAgeGraceMs: 20 }
  await using demo = await serveTalks(() => new Promise(() => undefined), age)
  await using caller = openClient(demo.port)
  expect(await failureOf(caller.client.say({ text: 'a' }))).toMatchObject({
    code: 'unavailable',
    reason: 'connection_lost',
  })
})

test('a connection without calls is closed when it has been idle for long enough', async () => {
  await using demo = await serve({ maxConnectionIdleMs: 30 })
  using session = open(demo.port)
  expect((await call(session)).trailers['grpc-status']).toBe('0')
  await once(session, 'close')
})

test('a caller that does not answer pings is cut off', async () => {
  await using demo = await serve({ keepaliveIntervalMs: 1_000, keepaliveTimeoutMs: 20 })
  const mute = connect(demo.port, '127.0.0.1')
  mute.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  // An empty SETTINGS frame, and never an answer.
  mute.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
  await once(mute.resume(), 'close')
})
