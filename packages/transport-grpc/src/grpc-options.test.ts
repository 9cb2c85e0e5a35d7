import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { type GrpcOptions, grpcDefaults, resolveGrpcOptions } from './grpc-options.ts'
import { grpcTransport } from './grpc-transport.ts'

const identity = { cert: '/run/tls.crt', key: '/run/tls.key' }

/** What is wrong with options, whatever their types say. */
function problemsOf(options: unknown): readonly string[] {
  try {
    resolveGrpcOptions(options as GrpcOptions)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ code, message }) => `${code} ${message}`)
    throw error
  }
}

test('what is left out, or undefined, has its default', () => {
  expect(resolveGrpcOptions({})).toMatchObject(grpcDefaults)
  const given: object = { port: undefined, tls: undefined, maxConnectionAgeMs: undefined, hasReflection: undefined }
  expect(resolveGrpcOptions(given)).toEqual(resolveGrpcOptions({}))
  expect(resolveGrpcOptions({ tls: identity }).tls).toMatchObject({ ...identity, clientCertificate: 'none' })
})

test('the server listens where the service says, unless its own option does', async () => {
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const service = { name: 'demo', version: '1', instanceId: 'demo-1' }
  const host = { service, operations: [], events: [], defaultHost: '0.0.0.0', log, fail: () => undefined }
  for (const [options, expected] of [
    [{}, '0.0.0.0'],
    [{ host: '127.0.0.1' }, '127.0.0.1'],
  ] as const) {
    const server = grpcTransport({ port: 0, ...options }).bind(host)
    expect(await server.listen()).toMatchObject([{ host: expected }])
    await server.close()
  }
  // A test that takes any free port takes no path either.
  const free = grpcTransport({ path: '/nowhere/grpc.sock' }).bind({ ...host, takesFreePorts: true })
  expect(await free.listen()).toMatchObject([{ host: '0.0.0.0' }])
  await free.close()
})

test('all problems are told at once', () => {
  const wrong = { port: 65_536, host: 'a b', maxRequestBytes: 0.5, compression: 'br', prot: 1, tls: { cert: '' } }
  expect(problemsOf(wrong)).toEqual([
    expect.stringContaining(
      'config.malformed grpcTransport: "prot" is no option, perhaps port is meant; expected port,',
    ),
    expect.stringContaining('tls.cert must be a PEM text or the path of a file with one, found an empty text'),
    expect.stringContaining('tls.key must be a PEM text or the path of a file with one, found nothing'),
    'config.out_of_range grpcTransport: port must be a whole number from 0 to 65535, found 65536',
    'config.out_of_range grpcTransport: maxRequestBytes must be a whole number from 1 to 1073741824, found 0.5',
    'config.malformed grpcTransport: host must be a name or an address such as 127.0.0.1, found "a b"',
    'config.malformed grpcTransport: compression must be one of identity, gzip, found "br"',
  ])
})

test.each([
  ['port', 0, 65_535],
  ['maxRequestBytes', 1, 1_073_741_824],
  ['maxResponseBytes', 1, 1_073_741_824],
  ['requestTimeoutMs', 1, 3_600_000],
  ['maxHeaderBytes', 1_024, 1_048_576],
  ['maxConnections', 1, 1_000_000],
  ['maxConcurrentStreams', 1, 1_000_000],
  ['handshakeTimeoutMs', 1, 3_600_000],
  ['keepaliveIntervalMs', 1_000, 86_400_000],
  ['keepaliveTimeoutMs', 1, 3_600_000],
  ['minPingIntervalMs', 0, 86_400_000],
  ['maxConnectionAgeMs', 1, 86_400_000],
  ['maxConnectionIdleMs', 1, 86_400_000],
  ['maxResetsPerSecond', 1, 1_000_000],
])('%s is a whole number from %i to %i', (name, least, most) => {
  for (const right of [least, most]) expect(problemsOf({ [name]: right })).toEqual([])
  for (const wrong of [least - 1, most + 1, least + 0.5, Number.NaN, String(least)])
    expect(problemsOf({ [name]: wrong })).toEqual([
      expect.stringContaining(`grpcTransport: ${name} must be a whole number from ${least} to ${most}`),
    ])
})

test.each([
  [undefined, 'the options must be an object'],
  [[], 'the options must be an object'],
  [{ path: '/run/a.sock', port: 1 }, 'path and port exclude each other'],
  [{ path: '/run/a.sock', host: 'a' }, 'path and host exclude each other'],
  [{ path: '' }, 'path must be the path of a Unix socket, found ""'],
  [{ path: 7 }, 'path must be the path of a Unix socket, found 7'],
  [{ pathMode: 0o600 }, 'pathMode needs path'],
  [{ path: '/run/a.sock', pathMode: 0o1000 }, 'pathMode must be a whole number from 0 to 511'],
  [{ maxConnectionAgeGraceMs: 5 }, 'maxConnectionAgeGraceMs needs maxConnectionAgeMs'],
  [{ hasReflection: 'yes' }, 'hasReflection must be true or false, found "yes"'],
  [{ tls: true }, 'tls must be an object with cert and key, found true'],
  [{ tls: null }, 'tls must be an object with cert and key, found null'],
  [{ tls: { ...identity, clientCertificate: 'require' } }, 'needs tls.ca'],
  [{ tls: { ...identity, requestCert: true } }, 'tls: "requestCert" is no option'],
  [{ maxMessageBytes: 5 }, '"maxMessageBytes" is no option, perhaps maxResponseBytes is meant; expected port, host'],
])('%j is refused', (options, told) => {
  expect(problemsOf(options)).toEqual([expect.stringContaining(told)])
})
