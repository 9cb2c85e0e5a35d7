import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EtcdRegistryOptions } from './etcd-options.ts'
import { etcdRegistry } from './etcd-registry.ts'
import { askGateway, etcdAbsence, EtcdServer, toBase64 } from './etcd-server.test-harness.ts'
import { instanceOf, watched } from './watched.test-harness.ts'

const { signal } = new AbortController()
const password = 'hush-4711'

describe.skipIf(etcdAbsence)(`an etcd that knows its users${etcdAbsence ? ` (skipped: ${etcdAbsence})` : ''}`, () => {
  let shared: EtcdServer
  beforeAll(async () => {
    shared = await secured()
  })
  afterAll(() => shared[Symbol.asyncDispose]())

  it('lets in who has a role for the keys, and again after it was started anew', async () => {
    await using server = await secured()
    const registry = etcdRegistry({ endpoints: [server.address], user: 'service', password, ttlMs: 3_000 })
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    await using watch = watched(registry, 'user')
    await watch.sees(['a'])
    // It forgets the tokens that it gave.
    await server.kill()
    await server.launch()
    await eventually(() => registration.update({ health: 'draining' }, { signal }))
    await eventually(() => expect(watch.lists.at(-1)?.[0]?.health).toBe('draining'))
    expect(registration.lost.aborted).toBe(false)
    await registration.withdraw({ signal })
    await watch.sees([])
    await watch.leave()
    await registry.close?.()
  })

  it('lets who may only read find others, and announce nothing', async () => {
    const service = etcdRegistry({ endpoints: [shared.address], user: 'service', password })
    const registration = await service.announce(instanceOf('user', 'a'), { signal })
    const reader = etcdRegistry({ endpoints: [shared.address], user: 'reader', password })
    await using watch = watched(reader, 'user')
    await watch.sees(['a'])
    await expect(reader.announce(instanceOf('user', 'b'), { signal })).rejects.toThrow(
      `etcd at ${shared.address} did not put /tenon/services/user/b: permission denied: grant`,
    )
    await watch.leave()
    await registration.withdraw({ signal })
  })

  it.each([
    ['no user', {}, 'user name is empty: its authentication is enabled: give user and password'],
    ['another password', { user: 'service', password: 'wrong' }, 'did not let the user service in'],
    ['a user without a role', { user: 'nobody', password }, 'permission denied'],
  ] satisfies [string, Partial<EtcdRegistryOptions>, string][])('refuses %s, and says so', async (_, login, said) => {
    const registry = etcdRegistry({ endpoints: [shared.address], ...login })
    await expect(registry.announce(instanceOf('user', 'a'), { signal })).rejects.toThrow(said)
    await using watch = watched(registry, 'user')
    await eventually(() => expect(watch.troubles.join()).toContain(said))
    expect(watch.lists).toEqual([])
    await watch.leave()
  })
})

describe.skipIf(etcdAbsence)(`an etcd that speaks TLS${etcdAbsence ? ` (skipped: ${etcdAbsence})` : ''}`, () => {
  it('is spoken to by whoever trusts its authority and is trusted by it', async () => {
    using authority = new Authority()
    const { cert, key } = authority.identity('etcd.test')
    const files = ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', authority.cert, '--client-cert-auth']
    await using server = await EtcdServer.start(files)
    const [ca, client] = [readFileSync(authority.cert, 'utf8'), authority.identity('client')]
    const tls = { ca, cert: client.cert, key: client.key, serverName: 'etcd.test' }
    const registry = etcdRegistry({ endpoints: [`https://${server.address}`], tls })
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    await using watch = watched(registry, 'user')
    await watch.sees(['a'])
    await watch.leave()
    await registration.withdraw({ signal })
    await registry.close?.()

    const refusedBy = async (options: Omit<EtcdRegistryOptions, 'endpoints'>) => {
      const wrong = etcdRegistry({ endpoints: [server.address], requestTimeoutMs: 2_000, ...options })
      const error = await wrong.announce(instanceOf('user', 'b'), { signal }).catch((thrown: unknown) => thrown)
      await wrong.close?.()
      return String(error)
    }
    const start = `EtcdError: etcd at ${server.address} cannot be reached to grant a lease for /tenon/services/user/b`
    expect(await refusedBy({ tls: { cert: client.cert, key: client.key } })).toMatch(
      new RegExp(`^${start}.*certificate.*check tls.ca and tls.serverName`),
    )
    expect(await refusedBy({ tls: { ...tls, serverName: 'other.test' } })).toMatch(
      new RegExp(`^${start}.*other.test.*check tls.ca and tls.serverName`),
    )
    expect(await refusedBy({ tls: { ca, serverName: 'etcd.test' } })).toContain(start)
    expect(await refusedBy({})).toContain(start)
  })

  it('is spoken to with what is in the files of certificates after they were renewed', async () => {
    using before = new Authority()
    using after = new Authority()
    const { cert, key } = before.identity('etcd.test')
    await using server = await EtcdServer.start(['--cert-file', cert, '--key-file', key])
    const tls = { ca: before.cert, serverName: 'etcd.test' }
    const registry = etcdRegistry({ endpoints: [server.address], tls })
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    await server.kill()
    const renewed = after.identity('etcd.test')
    copyFileSync(renewed.cert, cert)
    copyFileSync(renewed.key, key)
    await server.launch()
    const updating = () => registration.update({ health: 'draining' }, { signal })
    await eventually(() => expect(updating()).rejects.toThrow('certificate'))
    copyFileSync(after.cert, before.cert)
    await eventually(updating)
    await registration.withdraw({ signal })
    await registry.close?.()
  })
})

/** One whose user `service` may do all under the default prefix, `reader` may read there, and `nobody` may nothing. */
async function secured(): Promise<EtcdServer> {
  const server = await EtcdServer.start()
  const ask = (path: string, body: object) => askGateway(server.address, `auth/${path}`, body)
  const range = { key: toBase64('/tenon/services/'), range_end: toBase64('/tenon/services0') }
  await ask('role/add', { name: 'root' })
  for (const [name, permType] of [
    ['service', 'READWRITE'],
    ['reader', 'READ'],
  ]) {
    await ask('role/add', { name })
    await ask('role/grant', { name, perm: { permType, ...range } })
  }
  for (const name of ['root', 'service', 'reader', 'nobody']) await ask('user/add', { name, password })
  for (const user of ['root', 'service', 'reader']) await ask('user/grant', { user, role: user })
  await ask('enable', {})
  return server
}

/** Signs certificates, in a folder of its own. */
class Authority implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tenon-etcd-'))
  readonly cert = this.#path('ca.pem')

  constructor() {
    const form = ['-x509', ...curve, '-nodes', '-days', '2', '-subj', '/CN=authority']
    openssl('req', ...form, '-keyout', this.#path('ca-key.pem'), '-out', this.cert)
  }

  /** Files of a certificate for a name, and of its key. */
  identity(name: string): { readonly cert: string; readonly key: string } {
    const [cert, key, request, names] = ['.pem', '-key.pem', '.csr', '-names'].map((end) => this.#path(name + end)) as [
      string,
      string,
      string,
      string,
    ]
    openssl('req', ...curve, '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
    // The gateway of etcd is its own client.
    writeFileSync(names, `subjectAltName=DNS:${name}\nextendedKeyUsage=serverAuth,clientAuth`)
    const signer = ['-CA', this.cert, '-CAkey', this.#path('ca-key.pem'), '-CAcreateserial', '-days', '2']
    openssl('x509', '-req', '-in', request, ...signer, '-extfile', names, '-out', cert)
    return { cert, key }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
