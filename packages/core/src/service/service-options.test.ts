import { describe, expect, it } from 'vitest'
import { ConfigError } from '../error/setup-error.ts'
import { hook } from '../handler/hook.ts'
import { resolveServiceOptions, serviceDefaults } from './service-options.ts'

/** The settings, or an error of all problems. */
function resolve(options: object = {}, environment = {}) {
  const { settings, problems } = resolveServiceOptions({ name: 'user', ...options }, environment)
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

describe('resolveServiceOptions', () => {
  it('fills in defaults', () => {
    expect(resolve()).toEqual({
      callTimeoutMs: 30_000,
      startTimeoutMs: 90_000,
      configTimeoutMs: 10_000,
      shutdownTimeoutMs: 25_000,
      deregisterDelayMs: 0,
      isDevelopment: true,
      isInKubernetes: false,
      isOutputChecked: true,
      defaultAccess: 'public',
      defaultHost: '127.0.0.1',
      instance: { id: expect.stringMatching(/^[a-z-]+-[\da-f-]{36}$/) },
      maxConcurrentCalls: Number.POSITIVE_INFINITY,
      maxQueuedCalls: undefined,
      overload: undefined,
      loggedCalls: 'failed',
      forwardMetadata: ['traceparent', 'tracestate', 'baggage', 'x-tenant-id', 'x-criticality'],
    })
    expect(Object.isFrozen(resolve())).toBe(true)
    expect(Object.isFrozen(serviceDefaults)).toBe(true)
  })

  it('waits before it drains where others must notice first, in proportion to a short shutdown', () => {
    const inKubernetes = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
    expect(resolve({}, inKubernetes).deregisterDelayMs).toBe(5_000)
    expect(resolve({ registry: () => undefined }).deregisterDelayMs).toBe(5_000)
    expect(resolve({ shutdownTimeoutMs: 1_000 }, inKubernetes).deregisterDelayMs).toBe(200)
    expect(resolve({ shutdownTimeoutMs: 0 }, inKubernetes).deregisterDelayMs).toBe(0)
    expect(resolve({ shutdownTimeoutMs: 60_000 }, inKubernetes).deregisterDelayMs).toBe(5_000)
    expect(resolve({ deregisterDelayMs: 7 }, inKubernetes).deregisterDelayMs).toBe(7)
  })

  it.each([
    [undefined, undefined, true],
    [undefined, 'production', false],
    ['development', 'production', false],
    ['always', 'production', true],
    ['never', undefined, false],
  ])('with checkOutput %j and NODE_ENV %j checks outputs: %j', (checkOutput, NODE_ENV, expected) => {
    const options = checkOutput === undefined ? {} : { checkOutput }
    expect(resolve(options, { NODE_ENV }).isOutputChecked).toBe(expected)
    expect(resolve(options, { NODE_ENV }).isDevelopment).toBe(NODE_ENV !== 'production')
  })

  it('asks for a known caller by default once there is an authenticator', () => {
    expect(resolve({ authenticate: () => undefined }).defaultAccess).toBe('authenticated')
    expect(resolve({ authenticate: () => undefined, defaultAccess: 'public' }).defaultAccess).toBe('public')
  })

  it('accepts the ends of every range', () => {
    for (const options of [
      { callTimeoutMs: 1 },
      { callTimeoutMs: 3_600_000 },
      { shutdownTimeoutMs: 0 },
      { shutdownTimeoutMs: 600_000, deregisterDelayMs: 60_000 },
    ])
      expect(resolve(options)).toMatchObject(options)
  })

  it('names all that is out of range, at once', () => {
    expect(() =>
      resolve({
        name: 'User_1',
        callTimeoutMs: 0,
        startTimeoutMs: 0,
        shutdownTimeoutMs: Number.NaN,
        deregisterDelayMs: -1,
      }),
    ).toThrow(
      new ConfigError([
        {
          code: 'config.malformed',
          message: 'service name: expected lower-case words joined by hyphens, found "User_1"',
        },
        { code: 'config.out_of_range', message: 'callTimeoutMs must be from 1 to 3600000, found 0' },
        { code: 'config.out_of_range', message: 'startTimeoutMs must be from 1 to 3600000, found 0' },
        { code: 'config.out_of_range', message: 'shutdownTimeoutMs must be from 0 to 600000, found NaN' },
        { code: 'config.out_of_range', message: 'deregisterDelayMs must be from 0 to 60000, found -1' },
      ]),
    )
    expect(() => resolve({}, { LOG_LEVEL: 'loud' })).toThrow('LOG_LEVEL: expected one of')
    expect(() => resolve({ log: { calls: 'some' } })).toThrow(
      'log.calls: expected one of all, failed, none, found "some"',
    )
    expect(() => resolve({}, { TENON_HOST: 'http://x' })).toThrow(
      'TENON_HOST: expected a host name or address such as 0.0.0.0, found "http://x" [config.malformed]',
    )
  })

  it('has room for the delay, and for hooks of onDrain that were given a time, beside what the shutdown keeps', () => {
    expect(() => resolve({ shutdownTimeoutMs: 2_000, deregisterDelayMs: 2_000 })).toThrow(
      'deregisterDelayMs (2000) does not fit into shutdownTimeoutMs (2000) with what is kept for the drain and all that follows: set it to 898 at most, or let the shutdown take longer [config.out_of_range]',
    )
    expect(resolve({ shutdownTimeoutMs: 2_000, deregisterDelayMs: 898 })).toMatchObject({ deregisterDelayMs: 898 })
    const onDrain = [hook('pause', () => undefined, { timeoutMs: 10_000 })]
    expect(resolve({ onDrain })).toMatchObject({ shutdownTimeoutMs: 25_000 })
    expect(() => resolve({ onDrain, deregisterDelayMs: 5_000 })).toThrow(
      'the time that hooks of onDrain were given together (10000 ms) does not fit into shutdownTimeoutMs (25000) with deregisterDelayMs (5000) and what is kept for the drain and all that follows: give them 7647 ms at most, or let the shutdown take longer [config.out_of_range]',
    )
  })

  it('shortens the delay that nobody wrote by the time that hooks of onDrain were given', () => {
    const inKubernetes = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
    for (const shutdownTimeoutMs of [1_000, 5_000, 25_000]) {
      for (let share = 0; share < 0.3; share += 0.01) {
        const onDrain = [hook('pause', () => undefined, { timeoutMs: Math.ceil(shutdownTimeoutMs * share) + 1 })]
        const options = { onDrain, shutdownTimeoutMs }
        expect(resolve(options, inKubernetes).deregisterDelayMs).toBeLessThanOrEqual(shutdownTimeoutMs / 5)
        expect(resolve({ ...options, registry: () => undefined }).shutdownTimeoutMs).toBe(shutdownTimeoutMs)
      }
    }
    const pausing = (timeoutMs: number) => ({ onDrain: [hook('pause', () => undefined, { timeoutMs })] })
    expect(resolve(pausing(1_000), inKubernetes).deregisterDelayMs).toBe(5_000)
    expect(resolve(pausing(10_000), inKubernetes).deregisterDelayMs).toBe(2_833)
    expect(() => resolve(pausing(14_000), inKubernetes)).toThrow('with deregisterDelayMs (0)')
    expect(() => resolve(pausing(14_000))).toThrow('with deregisterDelayMs (0)')
  })

  it('has room for the whole shutdown before the platform kills the process', () => {
    expect(resolve({}, { TENON_KILL_DELAY_MS: '26000' })).toMatchObject({ shutdownTimeoutMs: 25_000 })
    expect(resolve({}, { TENON_KILL_DELAY_MS: '' })).toMatchObject({ shutdownTimeoutMs: 25_000 })
    expect(() => resolve({}, { TENON_KILL_DELAY_MS: '25999' })).toThrow(
      'shutdownTimeoutMs (25000) does not fit the time until the platform kills the process, TENON_KILL_DELAY_MS (25999), with 1000 ms for the process itself: set it to 24999 at most, or let the platform wait longer [config.out_of_range]',
    )
    expect(() => resolve({ shutdownTimeoutMs: 10 }, { TENON_KILL_DELAY_MS: '500' })).toThrow('set it to 0 at most')
    expect(() => resolve({}, { TENON_KILL_DELAY_MS: '30s' })).toThrow(
      'TENON_KILL_DELAY_MS: expected a whole number of milliseconds, found "30s" [config.malformed]',
    )
  })

  it('listens where TENON_HOST says, and on this machine only without it', () => {
    expect(resolve({}, { TENON_HOST: '::1' }).defaultHost).toBe('::1')
    expect(resolve({}, { TENON_HOST: '' }).defaultHost).toBe('127.0.0.1')
  })

  it('writes a line for the finished calls that the options name', () => {
    expect(resolve({ log: { calls: 'all' } }).loggedCalls).toBe('all')
  })
})
