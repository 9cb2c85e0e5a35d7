import { ConfigError } from '@tenon/core/transport'
import { contractInfo, type Contract } from '@tenon/core/contract'
import { expect, test } from 'vitest'
import { resolveHttpClientOptions, httpClientDefaults } from './http-client-options.ts'
import { httpClient } from './http-client.ts'
import { users } from './http-client.test-harness.ts'

const problemsOf = (resolve: () => unknown) => {
  try {
    resolve()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const certificate = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

test('what is left out has its default', () => {
  expect(resolveHttpClientOptions({})).toEqual({ ...httpClientDefaults, tls: undefined, proxy: undefined })
  expect(Object.isFrozen(httpClientDefaults)).toBe(true)
})

test('all problems are told at once, each with its option', () => {
  const options = {
    connectionsPerAddress: 0,
    keepAliveTimeoutMs: 600_001,
    connectTimeoutMs: 1.5,
    maxResponseBytes: Number.NaN,
    proxy: 'proxy',
    http2: true,
  }
  expect(problemsOf(() => httpClient(options)).map(({ code, message }) => [code, message.split(' ')[1]])).toEqual([
    ['config.out_of_range', 'connectionsPerAddress'],
    ['config.out_of_range', 'keepAliveTimeoutMs'],
    ['config.out_of_range', 'connectTimeoutMs'],
    ['config.out_of_range', 'maxResponseBytes'],
    ['config.malformed', 'http2'],
    ['config.malformed', 'proxy'],
  ])
})

test('TLS material must be PEM of its kind, and none of it is quoted', () => {
  const tls = { ca: [certificate, 'secret-ca'], cert: 'secret-cert', serverName: 'a b' }
  const problems = problemsOf(() => httpClient({ tls }))
  expect(problems.map(({ message }) => message)).toEqual([
    'httpClient: tls.cert and tls.key belong together, found only cert',
    'httpClient: tls.ca must be PEM text with a CERTIFICATE',
    'httpClient: tls.cert must be PEM text with a CERTIFICATE',
    'httpClient: tls.serverName must be a host name, found "a b"',
  ])
  expect(JSON.stringify(problems)).not.toContain('secret')
})

test('a proxy has no path, and its password is not quoted', () => {
  for (const proxy of ['ftp://user:secret@proxy', 'http://user:secret@proxy/path', 'http://user:secret@:1'])
    expect(problemsOf(() => httpClient({ proxy }))).toEqual([
      expect.objectContaining({ code: 'config.malformed', message: expect.not.stringContaining('secret') }),
    ])
  expect(problemsOf(() => httpClient({ proxy: 'http://user:secret@proxy:3128' }))).toEqual([])
})

test.each([
  [{ conections: 1 }, '"conections" is no option'],
  [{ connectTimeout: 1 }, '"connectTimeout" is no option, perhaps connectTimeoutMs is meant; expected '],
  [{ tls: { servername: 'x' } }, 'tls: "servername" is no option, perhaps serverName is meant'],
  [{ tls: true }, 'tls must be an object, found true'],
  [{ tls: {}, http2: 'yes' }, 'http2 must be true or false, found "yes"'],
  [{ proxy: 5 }, 'proxy must be an address'],
  [null, 'the options must be an object'],
])('%j is told by name', (options, expected) => {
  expect(problemsOf(() => httpClient(options as never))).toEqual([
    { code: 'config.malformed', message: expect.stringContaining(expected) },
  ])
})

test('an address that is none is told when it is opened', () => {
  const contract = contractInfo(users as Contract)
  for (const address of ['', 'a b:1', 'host:1/path', 'user@host:1', 'host:99999', 'host:1?x', 'http://host:1'])
    expect(
      problemsOf(() => httpClient().open({ contract, address })),
      address,
    ).toEqual([
      expect.objectContaining({ code: 'config.malformed', message: expect.stringContaining(JSON.stringify(address)) }),
    ])
})
