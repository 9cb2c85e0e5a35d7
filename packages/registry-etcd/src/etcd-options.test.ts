import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { etcdRegistryDefaults, resolveEtcdRegistry, resolveEtcdSource } from './etcd-options.ts'
import { etcdRegistry } from './etcd-registry.ts'
import { etcdSource } from './etcd-source.ts'

const endpoints = ['127.0.0.1:2379']

/** What is wrong, as its user reads it. */
function problemsOf(resolve: () => unknown): readonly string[] {
  try {
    resolve()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ code, message }) => `${code} ${message}`)
    throw error
  }
  return []
}

describe('resolveEtcdRegistry', () => {
  it('takes nothing but endpoints, and has defaults for all else', () => {
    expect(resolveEtcdRegistry({ endpoints })).toEqual({
      ...etcdRegistryDefaults,
      endpoints: [{ address: '127.0.0.1:2379', isSecure: false }],
      user: undefined,
      tls: {},
    })
    expect(etcdRegistryDefaults).toEqual({
      prefix: '/tenon/services',
      ttlMs: 15_000,
      requestTimeoutMs: 5_000,
      watchTimeoutMs: 8_000,
    })
  })

  it.each([
    [{ ttlMs: 3_000 }, 1_000],
    [{ ttlMs: 4_000 }, 1_333],
    [{ ttlMs: 4_000, requestTimeoutMs: 1_333 }, 1_333],
    [{ ttlMs: 3_600_000 }, 5_000],
    [{ ttlMs: 180_000, requestTimeoutMs: 60_000 }, 60_000],
  ])('lets one member hang for no more than a third of the time of an instance: %j', (times, requestTimeoutMs) => {
    expect(resolveEtcdRegistry({ endpoints, ...times })).toMatchObject({ requestTimeoutMs })
  })

  it('reads endpoints as they are usually written', () => {
    const given = ['etcd:2379', 'http://etcd-0.etcd:2379/', 'https://[2001:db8::1]:2379']
    expect(resolveEtcdRegistry({ endpoints: given }).endpoints).toEqual([
      { address: 'etcd:2379', isSecure: false },
      { address: 'etcd-0.etcd:2379', isSecure: false },
      { address: '[2001:db8::1]:2379', isSecure: true },
    ])
    expect(resolveEtcdRegistry({ endpoints, tls: {} }).endpoints[0]?.isSecure).toBe(true)
  })

  it.each([
    [undefined, 'config.malformed etcdRegistry: the options must be an object with endpoints, found a undefined'],
    [
      { endpoints: [] },
      'config.missing etcdRegistry: endpoints is empty, expected at least one host:port or URL, such as http://127.0.0.1:2379',
    ],
    [
      { endpoints: ['etcd'] },
      'config.malformed etcdRegistry: endpoints[0] must be host:port, http://host:port or https://host:port',
    ],
    [
      { endpoints: ['a:1', 'ftp://a:1'] },
      'config.malformed etcdRegistry: endpoints[1] must be host:port, http://host:port or https://host:port',
    ],
    [
      { endpoints: ['http://a:1'], tls: {} },
      'config.malformed etcdRegistry: endpoints[0] says http, but tls is given: write https, or leave out tls',
    ],
    [
      { endpoints, ttlMs: 10 },
      'config.out_of_range etcdRegistry: ttlMs must be a whole number from 3000 to 3600000, found 10',
    ],
    [
      { endpoints, requestTimeoutMs: '5s' },
      'config.out_of_range etcdRegistry: requestTimeoutMs must be a whole number from 100 to 60000, found "5s"',
    ],
    [
      { endpoints, ttlMs: 4_000, requestTimeoutMs: 1_334 },
      'config.out_of_range etcdRegistry: requestTimeoutMs must be at most a third of ttlMs, 1333, found 1334 beside ttlMs 4000',
    ],
    [
      { endpoints, requestTimeoutMs: 5_001 },
      'config.out_of_range etcdRegistry: requestTimeoutMs must be at most a third of ttlMs, 5000, found 5001 beside ttlMs 15000',
    ],
    [
      { endpoints, watchTimeoutMs: 1 },
      'config.out_of_range etcdRegistry: watchTimeoutMs must be a whole number from 100 to 600000, found 1',
    ],
    [
      { endpoints, prefix: '/a/' },
      'config.malformed etcdRegistry: prefix must not end with /, which is added, found "/a/"',
    ],
    [
      { endpoints, prefix: '' },
      'config.malformed etcdRegistry: prefix must be a text that is not empty, such as /config/user/, found ""',
    ],
    [
      { endpoints, password: 'hush' },
      'config.malformed etcdRegistry: user must be a text that is not empty beside password, found a undefined',
    ],
    [
      { endpoints, user: 'ada' },
      'config.malformed etcdRegistry: password must be a text or a Secret that is not empty beside user',
    ],
    [
      { endpoints, ttl: 5_000 },
      'config.malformed etcdRegistry: "ttl" is no option, perhaps ttlMs is meant; expected endpoints, user, password, tls, requestTimeoutMs, watchTimeoutMs, prefix, ttlMs',
    ],
    [
      { endpoints, tls: true },
      'config.malformed etcdRegistry: tls must be an object, {} for what is trusted, found true',
    ],
    [
      { endpoints, tls: { cert: '-----BEGIN X' } },
      'config.malformed etcdRegistry: tls.cert and tls.key belong together, found only cert',
    ],
    [
      { endpoints, tls: { ca: '/nowhere/ca.pem' } },
      'config.malformed etcdRegistry: tls.ca must be a PEM text, or the path of a file with one that can be read',
    ],
    [
      { endpoints, tls: { serverName: 'a b' } },
      'config.malformed etcdRegistry: tls.serverName must be a host name, found "a b"',
    ],
    [
      { endpoints, tls: { servername: 'x' } },
      'config.malformed etcdRegistry: tls: "servername" is no option, perhaps serverName is meant; expected ca, cert, key, serverName',
    ],
  ])('says of %j what is wrong', (options, problem) => {
    expect(problemsOf(() => etcdRegistry(options as never))).toEqual([problem])
  })

  it('tells all problems at once', () => {
    const options = { endpoints: ['x'], ttlMs: 0, prefix: 5, user: '' }
    expect(problemsOf(() => resolveEtcdRegistry(options as never))).toHaveLength(5)
  })

  it('never shows a secret', () => {
    const secret = 'hush-4711'
    const wrong = [
      { endpoints: [`https://ada:${secret}@etcd:2379`] },
      { endpoints, user: 5, password: secret },
      { endpoints, tls: { cert: secret, key: secret } },
      { endpoints, tls: { cert: '-----BEGIN CERTIFICATE-----', key: `-----BEGIN PRIVATE KEY-----${secret}` } },
    ]
    for (const options of wrong) {
      const problems = problemsOf(() => resolveEtcdRegistry(options as never))
      expect(problems).not.toEqual([])
      expect(problems.join()).not.toContain(secret)
    }
    expect(JSON.stringify(resolveEtcdRegistry({ endpoints, user: 'ada', password: secret }))).not.toContain(secret)
  })

  it('takes certificates from files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-etcd-'))
    const file = join(folder, 'ca.pem')
    writeFileSync(file, 'no certificate')
    expect(problemsOf(() => resolveEtcdRegistry({ endpoints, tls: { ca: file } }))[0]).toContain('tls.ca must be a PEM')
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(problemsOf(() => resolveEtcdRegistry({ endpoints, tls: { ca: file } }))[0]).toContain('tls.ca must be a PEM')
    rmSync(folder, { recursive: true })
  })
})

describe('resolveEtcdSource', () => {
  it('needs a prefix, and names itself in what is wrong', () => {
    expect(problemsOf(() => resolveEtcdSource({ endpoints } as never))).toEqual([
      'config.malformed etcdSource: prefix must be a text that is not empty, such as /config/user/, found a undefined',
    ])
    expect(problemsOf(() => etcdSource({ endpoints, prefix: '/a/', ttlMs: 1 } as never))).toHaveLength(1)
  })

  it.each([
    ['/config/user', '/config/user/'],
    ['/config/user/', '/config/user/'],
    ['/config/user//', '/config/user/'],
    ['/', '/'],
  ])('ends the prefix %s with one slash', (prefix, expected) => {
    expect(resolveEtcdSource({ endpoints, prefix }).prefix).toBe(expected)
    expect(etcdSource({ endpoints, prefix }).name).toBe(`etcd ${expected}`)
  })

  it('has no time of instances that a request must be short of', () => {
    expect(resolveEtcdSource({ endpoints, prefix: '/', requestTimeoutMs: 60_000 }).requestTimeoutMs).toBe(60_000)
    expect(resolveEtcdSource({ endpoints, prefix: '/' }).requestTimeoutMs).toBe(5_000)
  })
})

it('both tell where they connect to, and nothing else', () => {
  const given = ['https://etcd-0:2379', 'etcd-1:2379']
  const expected = ['etcd-0:2379', 'etcd-1:2379']
  expect(etcdRegistry({ endpoints: given }).connectsTo).toEqual(expected)
  expect(etcdSource({ endpoints: given, prefix: '/config/user/' })).toMatchObject({
    name: 'etcd /config/user/',
    connectsTo: expected,
  })
})
