import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { type GrpcOptions, grpcDefaults, resolveGrpcOptions } from './grpc-options.ts'

test('what is left out has its default, and TENON_HOST changes the host', () => {
  expect(resolveGrpcOptions({}, {})).toEqual(grpcDefaults)
  expect(resolveGrpcOptions({}, { TENON_HOST: '0.0.0.0' }).host).toBe('0.0.0.0')
  expect(resolveGrpcOptions({ host: '::1' }, { TENON_HOST: '0.0.0.0' }).host).toBe('::1')
})

test('all problems are told at once', () => {
  const wrong: GrpcOptions = { port: 65_536, host: 'a b', maxMessageBytes: 0.5 }
  try {
    resolveGrpcOptions(wrong, {})
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
