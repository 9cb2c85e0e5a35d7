import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { get, type RequestOptions } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { ConfigError, type Logger } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { hostOf, serve } from '../http-transport.test-harness.ts'
import { type HttpOptions, httpTransport } from '../index.ts'
import { type Identity, identity } from './tls.test-harness.ts'

const [first, second, caller] = [identity('first'), identity('second'), identity('caller')]

/** A folder as Kubernetes mounts a secret: what is in it is reached by a link that an update swaps. */
function secretFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-secret-'))
  let version = 0
  const write = ({ cert, key }: Identity) => {
    version += 1
    const name = `..version-${version}`
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'tls.crt'), cert)
    writeFileSync(join(folder, name, 'tls.key'), key)
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  write(first)
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(folder, name))
  const paths = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  return { paths, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

/** Whose certificate a new connection is shown. */
async function shownBy(port: number): Promise<string | string[] | undefined> {
  const socket = connect({ port, host: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN
}

async function read(port: number, options: RequestOptions): Promise<number | undefined> {
  const asked = get({ port, host: 'localhost', path: '/v1/users/1', agent: false, ...options })
  const [reply] = (await once(asked, 'response')) as [IncomingMessage]
  reply.resume()
  return reply.statusCode
}

/** A service whose log is awaited. */
async function serveLogged(options: HttpOptions) {
  const told: { readonly message: string; readonly seen: PromiseWithResolvers<void> }[] = []
  const waitFor = (message: string) => {
    const seen = Promise.withResolvers<void>()
    told.push({ message, seen })
    return seen.promise
  }
  const tell = (_fields: object, message = '') => {
    for (const entry of told) if (message.includes(entry.message)) entry.seen.resolve()
  }
  const log: Logger = { debug: tell, info: tell, warn: tell, error: tell, child: () => log }
  const server = httpTransport({ port: 0, ...options }).bind({ ...hostOf({}, []), log })
  const [address] = await server.listen()
  return { address, port: address?.port ?? 0, waitFor, [Symbol.asyncDispose]: () => server.close() }
}

test('a server with a certificate speaks TLS, and says so in its address', async () => {
  await using demo = await serveLogged({ tls: first })
  expect(demo.address?.protocol).toBe('https')
  expect(await read(demo.port, { ca: first.cert })).toBe(200)
  await expect(fetch(`http://localhost:${demo.port}/v1/users/1`)).rejects.toThrow()
  expect(await read(demo.port, { ca: first.cert })).toBe(200)
})

test.each([{ http2: false }, { http2: true }])(
  'a certificate that is renewed is shown to new connections, while open ones go on ($http2)',
  async ({ http2 }) => {
    using secret = secretFolder()
    await using demo = await serveLogged({ tls: secret.paths, http2 })
    const kept = connect({ port: demo.port, host: 'localhost', rejectUnauthorized: false })
    await once(kept, 'secureConnect')
    const renewed = demo.waitFor('new certificate')
    secret.write(second)
    await renewed
    expect(await shownBy(demo.port)).toBe('second')
    expect(await askOn(kept)).toContain('200 OK')
    expect(kept.getPeerCertificate().subject.CN).toBe('first')
    kept.destroy()
  },
)

test('a renewed certificate that is broken changes nothing, and is told', async () => {
  using secret = secretFolder()
  await using demo = await serveLogged({ tls: secret.paths })
  const told = demo.waitFor('cannot be used')
  secret.write({ cert: second.cert, key: first.key })
  await told
  expect(await shownBy(demo.port)).toBe('first')
  const renewed = demo.waitFor('served with the new certificate')
  secret.write(second)
  await renewed
  expect(await shownBy(demo.port)).toBe('second')
})

test('what cannot be read or used keeps the server from listening, by name and without the key', async () => {
  const listen = (tls: Identity) => httpTransport({ port: 0, tls }).bind(hostOf({}, [])).listen()
  const missing = await listen({ cert: '/nowhere/tls.crt', key: '/nowhere/tls.key' }).catch((error: unknown) => error)
  expect(missing).toBeInstanceOf(ConfigError)
  expect(String(missing)).toMatch(/tls\.cert cannot be read.*nowhere[^]*tls\.key cannot be read/)
  const [, der = ''] = second.key.split('\n')
  const bare = await listen({ cert: first.cert, key: der }).catch((error: unknown) => error)
  expect(String(bare)).toContain('tls.key cannot be read')
  expect(String(bare)).not.toContain(der)
  const foreign = await listen({ cert: first.cert, key: second.key }).catch((error: unknown) => error)
  expect(foreign).toBeInstanceOf(ConfigError)
  expect(String(foreign)).toContain('tls.cert and tls.key cannot be used together')
  expect(String(foreign)).not.toContain(der)
})

test.each([{ http2: false }, { http2: true }])(
  'callers are asked for a certificate, and let in with the right one ($http2)',
  async ({ http2 }) => {
    await using demo = await serve({}, { tls: { ...first, ca: caller.cert, clientCertificate: 'require' }, http2 })
    expect(await read(demo.port, { ca: first.cert, ...caller })).toBe(200)
    await expect(read(demo.port, { ca: first.cert })).rejects.toThrow(/certificate required|socket hang up|ECONNRESET/)
    await expect(read(demo.port, { ca: first.cert, ...second })).rejects.toThrow()
  },
)

test('callers without a certificate are let in where it is only asked for, and can be told', async () => {
  const seen: unknown[] = []
  const configure: HttpOptions['configure'] = (fastify) => {
    fastify.addHook('onRequest', async ({ raw }) => void seen.push(Reflect.get(raw.socket, 'authorized')))
  }
  const tls = { ...first, ca: caller.cert, clientCertificate: 'request' } as const
  await using demo = await serve({}, { tls, configure })
  expect(await read(demo.port, { ca: first.cert, ...caller })).toBe(200)
  expect(await read(demo.port, { ca: first.cert })).toBe(200)
  expect(seen).toEqual([true, false])
})

test('an older version of TLS than allowed is refused', async () => {
  await using demo = await serve({}, { tls: { ...first, minVersion: 'TLSv1.3' } })
  await expect(read(demo.port, { ca: first.cert, maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/)
  expect(await read(demo.port, { ca: first.cert })).toBe(200)
})

test('a connection whose handshake never ends is cut when the server closes', async () => {
  const demo = await serve({}, { tls: first })
  const silent = connectPlain(demo.port, '127.0.0.1')
  await once(silent, 'connect')
  const gone = once(silent, 'close')
  await demo.server.drain(new AbortController().signal)
  await demo.server.close()
  silent.resume()
  await gone
})

/** Sends a request on a connection that is open, and reads the first of the reply. */
async function askOn(socket: TLSSocket): Promise<string> {
  socket.write('GET /v1/users/1 HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const [said] = (await once(socket.setEncoding('utf8'), 'data')) as [string]
  return said
}
