import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { type HttpOptions, resolveHttpOptions } from './http-options.ts'
import { hostOf } from './http-transport.test-harness.ts'
import { httpTransport } from './http-transport.ts'

test('what is left out has its default', () => {
  expect(resolveHttpOptions({})).toMatchObject({
    port: 3000,
    host: '127.0.0.1',
    pathPrefix: '',
    tls: undefined,
    http2: false,
    bodyLimitBytes: 1_048_576,
    headerLimitBytes: 16_384,
    requestTimeoutMs: 300_000,
    inputIdleTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    keepAliveTimeoutMs: 72_000,
    connectionLimit: undefined,
    trustProxy: undefined,
    maxTimeoutMs: 3_600_000,
    plugins: { cors: undefined, securityHeaders: undefined, compression: undefined, rateLimit: undefined },
  })
  expect(resolveHttpOptions({ requestTimeoutMs: 500 }).headersTimeoutMs).toBe(500)
})

test('the server listens where the service says, unless its own option does', async () => {
  for (const [options, expected] of [
    [{}, '0.0.0.0'],
    [{ host: '127.0.0.1' }, '127.0.0.1'],
  ] as const) {
    const server = httpTransport({ port: 0, ...options }).bind({ ...hostOf({}, []), defaultHost: '0.0.0.0' })
    expect(await server.listen()).toMatchObject([{ host: expected }])
    await server.close()
  }
})

test('all problems are reported at once', () => {
  const options: HttpOptions = {
    port: 70_000,
    host: '',
    pathPrefix: 'api/',
    http2: true,
    bodyLimitBytes: 0.5,
    requestTimeoutMs: 10,
    headersTimeoutMs: 20,
    connectionLimit: 0,
    maxTimeoutMs: 0,
    trustProxy: ['10.0.0.0/33'],
    // @ts-expect-error a plugin is on, off, or on with options
    cors: 'yes',
  }
  const problems = problemsOf(options)
  for (const problem of [
    /port .*70000/,
    /bodyLimitBytes .*0\.5/,
    /connectionLimit .*0/,
    /maxTimeoutMs /,
    /headersTimeoutMs .*10.*20/,
    /host .*""/,
    /pathPrefix .*"api\/"/,
    /http2 needs tls/,
    /trustProxy: "10\.0\.0\.0\/33"/,
    /cors .*"yes"/,
  ]) {
    expect(problems).toEqual(expect.arrayContaining([expect.stringMatching(problem)]))
  }
  expect(problems).toHaveLength(10)
})

test.each([
  [{ pathPrefix: '/' }, 'pathPrefix'],
  [{ pathPrefix: '/a//b' }, 'pathPrefix'],
  [{ pathPrefix: '/a/../b' }, 'pathPrefix'],
  [{ pathPrefix: '/:tenant' }, 'pathPrefix'],
  [{ trustProxy: 0 }, 'trustProxy'],
  [{ trustProxy: [] }, 'trustProxy'],
  [{ trustProxy: ['0.0.0.0/0'] }, 'trustProxy'],
  [{ trustProxy: ['proxy.example'] }, 'trustProxy'],
  [{ trustProxy: ['::1/64/1'] }, 'trustProxy'],
  [{ headerLimitBytes: 100 }, 'headerLimitBytes'],
  [{ keepAliveTimeoutMs: 0 }, 'keepAliveTimeoutMs'],
  [{ inputIdleTimeoutMs: 0 }, 'inputIdleTimeoutMs'],
  [{ securityHeaders: { contentSecurityPolicy: { directives: { scriptSrc: [() => 'x'] } } } }, 'securityHeaders'],
  [{ tls: { cert: '', key: 'k' } }, 'tls.cert'],
  [{ tls: { cert: 'c', key: 'k', clientCertificate: 'require' } }, 'tls.ca'],
  [{ tls: { cert: 'c', key: 'k', pollIntervalMs: 10 } }, 'tls.pollIntervalMs'],
] as const)('%j is refused', (options, name) => {
  expect(problemsOf(options)).toEqual([expect.stringContaining(name)])
})

test('what only JavaScript can write is refused too, and a key is never shown', () => {
  const options: unknown = {
    tls: { cert: 5, key: { secret: 'abc' }, minVersion: 'TLSv1', clientCertificate: 'maybe' },
    securityHeaders: { enableCSPNonces: true },
    rateLimit: [],
  }
  const problems = problemsOf(options as HttpOptions)
  expect(problems.join('\n')).not.toContain('abc')
  expect(problems).toHaveLength(7)
})

test.each(['', '/api', '/api/v2.shop/a-b_c~d'])('%j is a prefix', (pathPrefix) => {
  expect(resolveHttpOptions({ pathPrefix }).pathPrefix).toBe(pathPrefix)
})

test.each([[1], [['10.0.0.0/8', '192.0.2.1', '::1', 'fc00::/7', 'loopback']]])('%j can be trusted', (trustProxy) => {
  expect(resolveHttpOptions({ trustProxy }).trustProxy).toEqual(trustProxy)
})

test.each([
  [{ prot: 80 }, /"prot" is no option, perhaps port is meant; expected port, host, /],
  [{ bodyLimit: 3 }, /"bodyLimit" is no option, perhaps bodyLimitBytes is meant/],
  [{ zzz: 3 }, /"zzz" is no option; expected port/],
  [{ tls: { cert: 'c', key: 'k', passphrase: 'secret' } }, /tls: "passphrase" is no option; expected cert, key/],
  [{ tls: null }, /tls must be an object with cert and key, found null/],
  [{ tls: true }, /tls must be an object with cert and key, found true/],
  [{ http2: 'yes', tls: { cert: 'c', key: 'k' } }, /http2 must be true or false, found "yes"/],
  [{ configure: 'x' }, /configure must be a function, found "x"/],
  [{ cors: { orign: 'x' } }, /cors: "orign" is no option, perhaps origin is meant/],
  [{ cors: { credentials: 'yes' } }, /cors\.credentials must be true or false/],
  [{ compression: { treshold: 1 } }, /compression: "treshold" is no option, perhaps threshold is meant/],
  [{ compression: { threshold: 'x' } }, /compression\.threshold must be a whole number from 0/],
  [{ rateLimit: { maxx: 1 } }, /rateLimit: "maxx" is no option, perhaps max is meant/],
  [{ rateLimit: { max: -1 } }, /rateLimit\.max must be a whole number from 0 .* found -1/],
  [{ rateLimit: { max: 'x' } }, /rateLimit\.max must be a whole number/],
  [{ rateLimit: { timeWindow: 'bogus' } }, /rateLimit\.timeWindow must be a number of ms or a text .* found "bogus"/],
  [{ rateLimit: { timeWindow: '0 s' } }, /rateLimit\.timeWindow/],
  [{ rateLimit: { keyGenerator: 5 } }, /rateLimit\.keyGenerator must be a function/],
  [
    { securityHeaders: { xFrameOption: true } },
    /securityHeaders: "xFrameOption" is no option, perhaps xFrameOptions is/,
  ],
  [null, /the options must be an object, found null/],
])('%j is told by name', (options, expected) => {
  const problems = problemsOf(options as HttpOptions)
  expect(problems).toEqual([expect.stringMatching(expected)])
  expect(problems.join()).toMatch(/^httpTransport: /)
  expect(problems.join()).not.toContain('secret')
})

test.each([
  { max: 0 },
  { max: () => 5, timeWindow: () => 5 },
  { timeWindow: '1 minute' },
  { timeWindow: '1.5h' },
  { ban: -1 },
])('rateLimit takes what its plugin takes: %j', (rateLimit) => {
  expect(problemsOf({ rateLimit })).toEqual([])
})

function problemsOf(options: HttpOptions): readonly string[] {
  try {
    resolveHttpOptions(options)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message)
    throw error
  }
  return []
}
