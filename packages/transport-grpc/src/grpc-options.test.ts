import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { type GrpcOptions, grpcDefaults, resolveGrpcOptions } from './grpc-options.ts'
import { grpcTransport } from './grpc-transport.ts'

test('what is left out has its default', () => {
  expect(resolveGrpcOptions({})).toEqual(grpcDefaults)
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
})

test('all problems are told at once', () => {
  const wrong: GrpcOptions = { port: 65_536, host: 'a b', maxRequestBytes: 0.5 }
  try {
    resolveGrpcOptions(wrong)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).problems.map(({ code }) => code)).toEqual([
      'config.out_of_range',
      'config.out_of_range',
      'config.malformed',
    ])
  }
})
