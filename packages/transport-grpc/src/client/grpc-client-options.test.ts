import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { identity } from './client.test-harness.ts'
import { type GrpcClientOptions, grpcClientDefaults, resolveGrpcClientOptions } from './grpc-client-options.ts'

/** Options as a caller without types may write them. */
const odd = (options: unknown) => options as GrpcClientOptions

function problemsOf(options: GrpcClientOptions): readonly string[] {
  try {
    resolveGrpcClientOptions(options)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ code, message }) => `${message} [${code}]`)
    throw error
  }
  return []
}

test('what is left out has its default, also when it is there and undefined', () => {
  const settings = { ...grpcClientDefaults, tls: undefined, keepAlive: undefined }
  expect(resolveGrpcClientOptions({})).toEqual(settings)
  expect(resolveGrpcClientOptions(odd({ compression: undefined, maxRequestBytes: undefined }))).toEqual(settings)
  expect(resolveGrpcClientOptions({ keepAlive: { intervalMs: 10_000 } }).keepAlive).toEqual({
    intervalMs: 10_000,
    timeoutMs: 20_000,
    withoutCalls: false,
  })
})

test('what is given is taken, and frozen', () => {
  const { cert, key } = identity('caller.test')
  const given: GrpcClientOptions = {
    tls: { ca: cert, cert, key, serverName: 'service.test' },
    keepAlive: { intervalMs: 2_147_483_647, timeoutMs: 1, withoutCalls: true },
    compression: 'gzip',
    maxRequestBytes: 1,
    maxResponseBytes: 1_073_741_824,
    connectTimeoutMs: 600_000,
    waitForReady: true,
  }
  const settings = resolveGrpcClientOptions(given)
  expect(settings).toEqual(given)
  expect([settings, settings.tls, settings.keepAlive].every(Object.isFrozen)).toBe(true)
})

test.each([
  [odd(null), 'the options must be an object, found null [config.malformed]'],
  [
    odd({ maxResponseByte: 1 }),
    /"maxResponseByte" is no option, perhaps maxResponseBytes is meant; .* \[config\.malformed\]$/,
  ],
  [odd({ compression: 'br' }), 'compression must be one of identity, gzip, found "br" [config.malformed]'],
  [
    { maxRequestBytes: 0 },
    /^grpcClient: maxRequestBytes must be a whole number from 1 to 1073741824, found 0 \[config\.out_of_range\]$/,
  ],
  [{ maxResponseBytes: 1.5 }, /maxResponseBytes .* found 1\.5/],
  [{ connectTimeoutMs: 600_001 }, /connectTimeoutMs .* from 1 to 600000/],
  [odd({ waitForReady: 'yes' }), 'waitForReady must be true or false, found "yes" [config.malformed]'],
  [odd({ keepAlive: 5 }), 'keepAlive must be an object, found 5 [config.malformed]'],
  [odd({ keepAlive: {} }), /keepAlive\.intervalMs must be a whole number from 10000/],
  [{ keepAlive: { intervalMs: 9_999 } }, /keepAlive\.intervalMs .* found 9999/],
  [{ keepAlive: { intervalMs: 10_000, timeoutMs: 0 } }, /keepAlive\.timeoutMs .* found 0/],
  [odd({ keepAlive: { intervalMs: 10_000, permit: true } }), /keepAlive: "permit" is no option/],
  [odd({ tls: true }), 'tls must be an object, found true [config.malformed]'],
  [odd({ tls: { cA: '' } }), /tls: "cA" is no option, perhaps ca is meant/],
  [
    { tls: { ca: '-----BEGIN PRIVATE KEY-----' } },
    'tls.ca must be PEM text with a CERTIFICATE, or the path of a file with it [config.malformed]',
  ],
  [{ tls: { ca: ' ' } }, /tls\.ca must be PEM text/],
  [
    { tls: { cert: '-----BEGIN CERTIFICATE-----' } },
    'tls.cert and tls.key belong together, found only cert [config.malformed]',
  ],
  [{ tls: { serverName: 'a:1' } }, 'tls.serverName must be a host name, found "a:1" [config.malformed]'],
])('%j is refused', (options, message) => {
  const [problem = '', ...others] = problemsOf(options)
  expect(others).toEqual([])
  if (typeof message === 'string') expect(problem).toContain(`grpcClient: ${message}`)
  else expect(problem).toMatch(message)
})

test('a certificate and a key that do not belong together are refused', () => {
  const { cert } = identity('one.test')
  const { key } = identity('other.test')
  const [problem = ''] = problemsOf({ tls: { cert, key } })
  expect(problem).toMatch(/^grpcClient: tls\.ca, tls\.cert and tls\.key cannot be used together: /)
})

test('all problems are told at once, and no key is quoted', () => {
  const problems = problemsOf({
    maxRequestBytes: 0,
    connectTimeoutMs: 0,
    tls: { cert: '-----BEGIN secret', key: '-----BEGIN secret' },
  })
  expect(problems).toHaveLength(4)
  expect(problems.join()).not.toContain('secret')
})
