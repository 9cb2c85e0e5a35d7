import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { identity, one, open, serve } from './client.test-harness.ts'

/** A folder with the files of a client, and the path of a socket. */
function folder() {
  const path = mkdtempSync(join(tmpdir(), 'tenon-grpc-'))
  const fileOf = (name: string) => join(path, name)
  return {
    socket: fileOf('talk.sock'),
    ca: fileOf('ca.pem'),
    cert: fileOf('cert.pem'),
    key: fileOf('key.pem'),
    write: (files: Readonly<Record<string, string>>) => {
      for (const [name, text] of Object.entries(files)) writeFileSync(fileOf(`${name}.pem`), text)
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  }
}

// Making them takes longer than all the rest.
const [oldServer, newServer] = [identity('service.test'), identity('service.test')]
const [oldCaller, newCaller] = [identity('caller.test'), identity('caller.test')]
const timeout = 20_000

test('a client whose files were renewed shows and trusts the new ones on its next connection', {
  timeout,
}, async () => {
  using place = folder()
  const { socket: path, ca, cert, key } = place
  const asking = (server: typeof oldServer, caller: typeof oldCaller) => ({
    path,
    tls: { ...server, ca: caller.cert, clientCertificate: 'require' as const },
  })
  place.write({ ca: oldServer.cert, ...oldCaller })
  const first = await serve(undefined, asking(oldServer, oldCaller))
  const tls = { ca, cert, key, serverName: 'service.test' }
  await using caller = open(`unix:${path}`, { tls, waitForReady: true })
  expect(await caller.client.say({ text: 'a' })).toEqual({ text: 'a' })
  await first.started.stop()
  place.write({ ca: newServer.cert, ...newCaller })
  await using _second = await serve(undefined, asking(newServer, newCaller))
  expect(await untilServed(caller)).toEqual({ text: 'b' })
})

test('what cannot be used is passed over, until it can', { timeout }, async () => {
  using place = folder()
  const { socket: path, ca } = place
  place.write({ ca: oldServer.cert })
  const first = await serve(undefined, { path, tls: oldServer })
  await using caller = open(`unix:${path}`, { tls: { ca, serverName: 'service.test' }, waitForReady: true })
  expect(await caller.client.say({ text: 'a' })).toEqual({ text: 'a' })
  await first.started.stop()
  for (const half of ['', '-----BEGIN CERTIFICATE-----\nMII']) {
    place.write({ ca: half })
    const again = await serve(undefined, { path, tls: oldServer })
    expect(await untilServed(caller)).toEqual({ text: 'b' })
    await again.started.stop()
  }
  place.write({ ca: newServer.cert })
  await using _last = await serve(undefined, { path, tls: newServer })
  expect(await untilServed(caller)).toEqual({ text: 'b' })
})

test('what cannot be used is told once for each change, by the names of options alone', { timeout }, async () => {
  using place = folder()
  const { socket: path, ca } = place
  using told = warnings()
  place.write({ ca: oldServer.cert })
  let server = await serve(undefined, { path, tls: oldServer })
  await using caller = open(`unix:${path}`, { tls: { ca, serverName: 'service.test' }, waitForReady: true })
  await caller.client.say({ text: 'a' })
  const reconnect = async () => {
    await server.started.stop()
    server = await serve(undefined, { path, tls: oldServer })
    await untilServed(caller)
    return told.take()
  }
  const half = expect.stringMatching(/^grpcClient: tls\.ca holds no CERTIFICATE .*; new connections go on with/)
  expect(await reconnect()).toEqual([])
  place.write({ ca: '-----BEGIN CERTIFICATE-----\nMII' })
  expect([await reconnect(), await reconnect()]).toEqual([[half], []])
  await caller.client.gather(one('a'))
  expect(told.take()).toEqual([])
  place.write({ ca: '' })
  expect([await reconnect(), await reconnect()]).toEqual([[half], []])
  rmSync(ca)
  const gone = await reconnect()
  expect(gone).toEqual([expect.stringContaining('tls.ca is neither a PEM text nor the path of a file')])
  expect(gone.join()).not.toContain(ca)
  place.write({ ca: oldServer.cert })
  expect(await reconnect()).toEqual([])
  place.write({ ca: '' })
  expect(await reconnect()).toEqual([half])
  await server.started.stop()
})

test('files that are not there, hold something else or do not fit together are told of when the client opens, and no key is', () => {
  using place = folder()
  const { ca, cert, key } = place
  expect(() => open('a:1', { tls: { ca, cert, key } })).toThrow(ConfigError)
  expect(() => open('a:1', { tls: { ca, cert: 'secret', key: 'secret' } })).toThrow(
    /grpcClient: tls\.ca is neither a PEM text nor the path of a file that can be read \(ENOENT\).*tls\.cert .*tls\.key /s,
  )
  expect(() => open('a:1', { tls: { cert: 'secret', key: 'secret' } })).not.toThrow(/secret/)
  place.write({ ca: oldCaller.key, ...oldCaller })
  expect(() => open('a:1', { tls: { ca } })).toThrow('grpcClient: tls.ca holds no CERTIFICATE as PEM, or only')
  place.write({ cert: oldCaller.cert, key: newCaller.key })
  expect(() => open('a:1', { tls: { cert, key } })).toThrow('tls.ca, tls.cert and tls.key cannot be used together')
})

/** What the process is warned of with our code. */
function warnings() {
  const messages: string[] = []
  const note = (warning: Error & { readonly code?: string }) => {
    if (warning.code === 'TENON_GRPC_TLS') messages.push(warning.message)
  }
  process.on('warning', note)
  return {
    take: () => messages.splice(0),
    [Symbol.dispose]: () => void process.off('warning', note),
  }
}

type Caller = ReturnType<typeof open>

/** The client may not have heard yet that its connection is gone; then its call is lost with it. */
async function untilServed({ client }: Caller) {
  for (;;) {
    const answer = await client.say({ text: 'b' }).catch(() => undefined)
    if (answer) return answer
    await setImmediate()
  }
}
