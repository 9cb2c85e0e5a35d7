import { ConfigError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { resolveHttpOptions } from './http-options.ts'
import { httpTransport } from './http-transport.ts'
import { hostOf } from './http-transport.test-harness.ts'

test('what is left out has its default', () => {
  expect(resolveHttpOptions({})).toMatchObject({
    port: 3000,
    host: '127.0.0.1',
    pathPrefix: '',
    tls: undefined,
    http2: false,
    bodyLimitBytes: 1_048_576,
  })
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
  const resolve = () => resolveHttpOptions({ port: 70_000, host: '', bodyLimitBytes: 0.5, maxTimeoutMs: 0 })
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(/port .*70000[^]*bodyLimitBytes .*0\.5[^]*maxTimeoutMs [^]*host /)
})
