import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, test as everywhere } from 'vitest'
import { authority, type Identity, parsed } from '../../packages/auth/src/certificate/certificate.test-harness.ts'
import { runTool, toolAbsence } from '../support/tool.ts'

const absence = toolAbsence('openssl', 'grpcurl')
const test = everywhere.skipIf(absence !== undefined)

const Empty = Type.Object({})
const vault = contract('tenon.test.v1.VaultService', { open: { input: Empty, output: Empty, http: 'POST /v1/open' } })
const [ours, theirs] = [authority(), authority()]

/** The files of a certificate in a folder, as Kubernetes mounts a secret: `data` is a link to a folder that another replaces. */
async function mounted(first: Identity) {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-mount-'))
  let version = 0
  const put = async ({ cert, key }: Identity) => {
    version += 1
    const own = join(folder, `v${version}`)
    await mkdir(own)
    await Promise.all([writeFile(join(own, 'tls.crt'), cert), writeFile(join(own, 'tls.key'), key)])
    await symlink(own, join(folder, 'next'))
    await rename(join(folder, 'next'), join(folder, 'data'))
  }
  await put(first)
  await writeFile(join(folder, 'ca.pem'), ours.cert)
  for (const name of ['tls.crt', 'tls.key']) await symlink(join('data', name), join(folder, name))
  return {
    folder,
    put,
    cert: join(folder, 'tls.crt'),
    key: join(folder, 'tls.key'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

async function serve(files: { cert: string; key: string }, clientCertificate: 'none' | 'require' = 'none') {
  const tls = { cert: files.cert, key: files.key, ca: ours.cert, clientCertificate }
  const started = await defineService({
    name: 'vault',
    version: '1.0.0',
    admin: false,
    handlers: [defineHandler(vault, () => ({ open: async () => ({}) }))],
    transports: () => [httpTransport({ port: 0, tls, http2: true }), grpcTransport({ port: 0, tls })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const portOf = (name: string) => started.addresses.find(({ protocol }) => protocol.startsWith(name))?.port ?? 0
  const ports: Readonly<Record<string, number>> = { http: portOf('http'), grpc: portOf('grpc') }
  return { ports, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

/** What openssl says of a connection that it opens. */
async function shake(port: number, folder: string, ...options: readonly string[]) {
  const target = ['-connect', `localhost:${port}`, '-CAfile', join(folder, 'ca.pem'), '-verify_return_error']
  return runTool(['openssl', 's_client', ...target, ...options], { folder, signal: AbortSignal.timeout(20_000) })
}

const servers = ['http', 'grpc']
const old = servers.flatMap((name) => ['1', '1_1'].map((version) => [version, name] as const))

test.each(old)('TLS %s is refused, over %s', async (version, name) => {
  await using files = await mounted(ours.sign('DNS:localhost'))
  await using demo = await serve(files)
  // Without a security level openssl itself would speak it.
  const options = [`-tls${version}`, '-cipher', 'ALL:@SECLEVEL=0']
  expect((await shake(demo.ports[name] ?? 0, files.folder, ...options)).output).toMatch(/alert protocol version/)
})

test.each(servers)('TLS 1.2 and 1.3 are spoken, the chain is verified and h2 agreed on, over %s', async (name) => {
  await using files = await mounted(ours.sign('DNS:localhost'))
  await using demo = await serve(files)
  for (const version of ['1_2', '1_3']) {
    const { code, output } = await shake(demo.ports[name] ?? 0, files.folder, `-tls${version}`, '-alpn', 'h2')
    expect([code, output]).toEqual([0, expect.stringContaining('Verify return code: 0 (ok)')])
    expect(output).toContain('ALPN protocol: h2')
  }
  const weak = await shake(demo.ports[name] ?? 0, files.folder, '-tls1_2', '-cipher', 'aNULL:eNULL:@SECLEVEL=0')
  expect(weak.output).toMatch(/alert handshake failure/)
})

/** Certificates of a caller: of the authority that the service believes, and of another one. */
async function putCallers(folder: string): Promise<void> {
  const certificates = { own: ours.sign('DNS:order'), foreign: theirs.sign('DNS:order') }
  const files = Object.entries(certificates).flatMap(([name, { cert, key }]) => [
    writeFile(join(folder, `${name}.crt`), cert),
    writeFile(join(folder, `${name}.key`), key),
  ])
  await Promise.all(files)
}

test.each(servers)(
  'openssl is let in with a certificate of the authority alone, where one is required, over %s',
  async (name) => {
    await using files = await mounted(ours.sign('DNS:localhost'))
    await using demo = await serve(files, 'require')
    await putCallers(files.folder)
    // Of TLS 1.3 the caller's side would be done before the server says no.
    const as = (...shown: readonly string[]) => shake(demo.ports[name] ?? 0, files.folder, '-tls1_2', ...shown)
    const letIn = await as('-cert', 'own.crt', '-key', 'own.key')
    expect([letIn.code, letIn.output]).toEqual([0, expect.stringContaining('Verify return code: 0 (ok)')])
    // Node ends a connection whose certificate it does not believe, without a word.
    const refused = /alert (handshake failure|bad certificate|certificate required)|unexpected eof while reading/
    for (const shown of [[], ['-cert', 'foreign.crt', '-key', 'foreign.key']]) {
      const { code, output } = await as(...shown)
      expect([code, output]).toEqual([1, expect.stringMatching(refused)])
    }
  },
)

test('grpcurl is let in with a certificate of the authority alone, where one is required', async () => {
  await using files = await mounted(ours.sign('DNS:localhost'))
  await using demo = await serve(files, 'require')
  await putCallers(files.folder)
  const list = (...options: readonly string[]) =>
    runTool(['grpcurl', '-cacert', 'ca.pem', ...options, `localhost:${demo.ports['grpc']}`, 'list'], {
      folder: files.folder,
      signal: AbortSignal.timeout(20_000),
    })
  expect((await list('-cert', 'own.crt', '-key', 'own.key')).output).toContain('tenon.test.v1.VaultService')
  expect((await list()).code).not.toBe(0)
  expect((await list('-cert', 'foreign.crt', '-key', 'foreign.key')).code).not.toBe(0)
})

test('certificates that are replaced as Kubernetes does fail no call, and openssl sees the new one', async () => {
  const [first, second] = [ours.sign('DNS:localhost'), ours.sign('DNS:localhost')]
  await using files = await mounted(first)
  await using demo = await serve(files)
  let isOver = false
  const outcomes: (number | null | undefined)[] = []
  const ask = async (agent: Agent | false) => {
    const options = { host: 'localhost', port: demo.ports['http'], path: '/v1/open', method: 'POST', agent }
    const sent = request({ ...options, ca: ours.cert, headers: { 'content-type': 'application/json' } })
    sent.end('{}')
    const [reply] = (await once(sent, 'response')) as [IncomingMessage]
    outcomes.push(reply.statusCode)
    await reply.resume().toArray()
    return sent
  }
  const overNew = async () => {
    while (!isOver) await ask(false)
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await ask(agent)
  const overKept = async () => {
    while (!isOver) expect((await ask(agent)).reusedSocket).toBe(true)
    agent.destroy()
  }
  const overGrpc = async () => {
    while (!isOver) {
      const call = [
        '-cacert',
        'ca.pem',
        '-d',
        '{}',
        `localhost:${demo.ports['grpc']}`,
        'tenon.test.v1.VaultService/Open',
      ]
      const signal = AbortSignal.timeout(20_000)
      outcomes.push((await runTool(['grpcurl', ...call], { folder: files.folder, signal })).code)
    }
  }
  const load = Promise.all([overNew(), overKept(), overGrpc()])
  try {
    await eventually(() => expect(new Set(outcomes)).toEqual(new Set([0, 200])))
    await files.put(second)
    const serial = `serial=${parsed(second).serialNumber}`
    for (const name of servers)
      await expect
        .poll(async () => serialOf((await shake(demo.ports[name] ?? 0, files.folder)).output), { timeout: 20_000 })
        .toBe(serial)
  } finally {
    isOver = true
    await load
  }
  expect(new Set(outcomes)).toEqual(new Set([0, 200]))
})

function serialOf(output: string): string {
  const [pem = ''] = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(output) ?? []
  return `serial=${parsed({ cert: pem }).serialNumber}`
}
