import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { httpDefaults, resolveHttpOptions } from './http-options.ts'

test('what is left out has its default', () => {
  expect(resolveHttpOptions({}, {})).toEqual({ ...httpDefaults, configure: undefined })
})

test('TENON_HOST is the default host, and an option wins over it', () => {
  expect(resolveHttpOptions({}, { TENON_HOST: '0.0.0.0' }).host).toBe('0.0.0.0')
  expect(resolveHttpOptions({ host: '::1' }, { TENON_HOST: '0.0.0.0' }).host).toBe('::1')
  expect(resolveHttpOptions({}, { TENON_HOST: '' }).host).toBe('127.0.0.1')
})

test('all problems are reported at once', () => {
  const resolve = () => resolveHttpOptions({ port: 70_000, host: '', bodyLimitBytes: 0.5, maxTimeoutMs: 0 }, {})
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(/port .*70000[^]*host [^]*bodyLimitBytes .*0\.5[^]*maxTimeoutMs /)
})
