import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EtcdApi } from './api/etcd-api.ts'
import { methods } from './api/etcd-message.ts'
import { resolveEtcdSource } from './etcd-options.ts'

const { signal } = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'tenon-etcd-'))
const [cert, key, otherCert, otherKey] = ['cert.pem', 'key.pem', 'other-cert.pem', 'other-key.pem'].map((name) =>
  join(folder, name),
) as [string, string, string, string]

beforeAll(() => {
  makeIdentity(cert, key)
  makeIdentity(otherCert, otherKey)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a connection that is made anew', () => {
  it.each(['ca', 'cert', 'key'] as const)(
    'says that the file of tls.%s is gone, and where it was to connect',
    async (name) => {
      using one = opened()
      rmSync(one.files[name])
      await expect(one.ask()).rejects.toThrow(
        `etcd at 127.0.0.1:1 cannot be reached: tls.${name} cannot be read: ENOENT: no such file or directory, open '${one.files[name]}'`,
      )
      await expect(one.watch()).rejects.toThrow(`tls.${name} cannot be read`)
    },
  )

  it.each(['ca', 'cert', 'key'] as const)('takes no file of tls.%s that is empty', async (name) => {
    using one = opened()
    writeFileSync(one.files[name], '')
    await expect(one.ask()).rejects.toThrow(
      `etcd at 127.0.0.1:1 cannot be reached: tls.${name} cannot be read: there is no PEM text in ${one.files[name]}`,
    )
  })

  it('says which files do not match while they are replaced, and goes on when they do', async () => {
    using one = opened()
    copyFileSync(otherCert, one.files.cert)
    await expect(one.ask()).rejects.toThrow(
      /^etcd at 127\.0\.0\.1:1 cannot be reached: tls\.ca, tls\.cert and tls\.key cannot be used together: .*mismatch/,
    )
    copyFileSync(otherKey, one.files.key)
    await expect(one.ask()).rejects.toThrow('cannot be reached to renew it: connect ECONNREFUSED')
  })
})

/** Nobody answers there; its files are its own. */
function opened() {
  const place = mkdtempSync(join(folder, 'files-'))
  const files = { ca: join(place, 'ca.pem'), cert: join(place, 'cert.pem'), key: join(place, 'key.pem') }
  copyFileSync(cert, files.ca)
  copyFileSync(cert, files.cert)
  copyFileSync(key, files.key)
  const api = new EtcdApi(resolveEtcdSource({ endpoints: ['127.0.0.1:1'], prefix: '/', tls: files }))
  const options = { signal, asked: 'renew it' }
  return {
    files,
    ask: () => api.ask(methods.leaseKeepAlive, { id: 7n }, options),
    watch: () => api.watch({ startRevision: 1n }, options).next(),
    [Symbol.dispose]: () => api.close(),
  }
}

function makeIdentity(certFile: string, keyFile: string): void {
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-x509', '-nodes', '-days', '2']
  const files = ['-subj', '/CN=etcd.test', '-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', ...form, ...files], { stdio: 'pipe' })
}
