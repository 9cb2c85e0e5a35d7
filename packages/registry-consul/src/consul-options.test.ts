import { inspect } from 'node:util'
import { ConfigError } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { consulDefaults, type ConsulOptions, resolveConsul } from './consul-options.ts'
import { consulRegistry, consulSource, type ConsulSourceOptions } from './index.ts'

describe('the options of consulRegistry', () => {
  it('have defaults', () => {
    const { agent, ...settings } = resolveConsul({}, {})
    const { check, ttlMs, deregisterAfterMs, tags, onDrain } = consulDefaults
    expect(settings).toEqual({ check, ttlMs, deregisterAfterMs, tags, onDrain })
    expect(agent).toMatchObject({ origin: 'http://127.0.0.1:8500', token: undefined, tls: undefined, waitMs: 5_000 })
  })

  it.each([
    ['consul:8500', 'http://consul:8500'],
    ['http://10.0.0.7:8500/', 'http://10.0.0.7:8500'],
    ['https://consul.example.com:8501', 'https://consul.example.com:8501'],
    ['https://consul.example.com', 'https://consul.example.com'],
    ['[::1]:8500', 'http://[::1]:8500'],
  ])('take %s as an address', (address, origin) => {
    expect(resolveConsul({ address }, {}).agent.origin).toBe(origin)
  })

  it.each([
    [15_000, 3_000],
    [1_000, 333],
  ])('wait with ttlMs %i for an answer for %i ms', (ttlMs, expected) => {
    expect(resolveConsul({ ttlMs }, {}).agent.requestTimeoutMs).toBe(expected)
  })

  it('refuse a wait that is more than a third of ttlMs, unless the agent makes the check', () => {
    const given = { ttlMs: 3_000, requestTimeoutMs: 1_001 }
    expect(() => resolveConsul(given, {})).toThrow(
      'requestTimeoutMs must be at most a third of ttlMs, found 1001 and 3000',
    )
    expect(resolveConsul({ ...given, requestTimeoutMs: 1_000 }, {}).agent.requestTimeoutMs).toBe(1_000)
    expect(resolveConsul({ ...given, check: { http: '/readyz' } }, {}).agent.requestTimeoutMs).toBe(1_001)
  })

  it('speak https where tls is given', () => {
    expect(resolveConsul({ address: 'consul:8501', tls: {} }, {}).agent.origin).toBe('https://consul:8501')
  })

  it('tell every problem at once, with what was expected', () => {
    const wrong: object = { adress: 'x', ttlMs: 1, tags: [''], onDrain: 'stay', token: 'a b', tls: { cert: 'c' } }
    expect(() => resolveConsul(wrong, {})).toThrow(ConfigError)
    expect(() => resolveConsul(wrong, {})).toThrow(
      /"adress" is no option, perhaps address[^]*token must be a text or a Secret[^]*tls\.cert and tls\.key belong together[^]*ttlMs must be a whole number from 1000[^]*tags must be a list[^]*onDrain must be one of withdraw, maintenance, found "stay"/,
    )
  })

  it.each([
    [null, 'the options must be an object'],
    [{ address: 'consul' }, 'address must be host:port'],
    [{ address: 'http://consul:8500/ui' }, 'address must be host:port'],
    [{ address: 'unix:///run/consul.sock' }, 'address must be host:port'],
    [{ address: 8500 }, 'found 8500'],
    [{ address: 'http://consul:8500', tls: {} }, 'tls is given, but address begins with http://'],
    [{ token: '' }, 'token must be a text or a Secret'],
    [{ token: 3 }, 'token must be a text or a Secret'],
    [{ datacenter: 'a b' }, 'datacenter must be a name'],
    [{ consistency: 'strong' }, 'consistency must be one of default, stale'],
    [{ cached: 'yes' }, 'cached must be true or false'],
    [{ waitMs: 1 }, 'waitMs must be a whole number from 100'],
    [{ tls: true }, 'tls must be an object'],
    [{ tls: { servername: 'x' } }, '"servername" is no option, perhaps serverName'],
    [{ deregisterAfterMs: 1_000 }, 'deregisterAfterMs must be a whole number from 60000'],
    [{ check: 'http' }, "check must be 'ttl', { http: … } or { grpc: … }"],
    [{ check: { http: '/a', grpc: true } }, "check must be 'ttl'"],
    [{ check: { http: 'readyz' } }, 'check.http must be a path'],
    [{ check: { http: '/a', method: 'get' } }, 'check.method must be a method'],
    [{ check: { grpc: 'user' } }, 'check.grpc must be true, host:port'],
    [{ check: { grpc: true, intervalMs: 1 } }, 'check.intervalMs must be a whole number from 1000'],
    [{ check: { grpc: true, method: 'GET' } }, '"method" is no option'],
  ])('refuse %o', (given, told) => {
    expect(() => resolveConsul(given as unknown as ConsulOptions, {})).toThrow(told)
  })

  it('never show a secret', () => {
    const wrong = { address: 'http://user:hush@consul:8500', token: 'hush hush', tls: { key: 'hush' } }
    expect(() => resolveConsul(wrong, {})).toThrow(ConfigError)
    expect(() => resolveConsul(wrong, {})).not.toThrow(/hush/)
    expect(inspect(consulRegistry({ token: 'hush' }), { depth: null, showHidden: true })).not.toContain('hush')
  })

  it('take a token as a text and as a Secret', () => {
    expect(resolveConsul({ token: 'a' }, {}).agent.token).toBe('a')
    expect(resolveConsul({ token: { reveal: () => 'b' } }, {}).agent.token).toBe('b')
  })
})

describe('the variables of Consul', () => {
  const environment = {
    CONSUL_HTTP_ADDR: 'consul:8501',
    CONSUL_HTTP_SSL: 'true',
    CONSUL_HTTP_TOKEN: 'from-environment',
    CONSUL_NAMESPACE: 'team',
    CONSUL_PARTITION: 'east',
    CONSUL_CACERT: '/etc/consul/ca.pem',
    CONSUL_TLS_SERVER_NAME: 'server.dc1.consul',
  }

  it('are read where the option is left out', () => {
    expect(resolveConsul({}, environment).agent).toMatchObject({
      origin: 'https://consul:8501',
      token: 'from-environment',
      scope: { ns: 'team', partition: 'east' },
      tls: { ca: '/etc/consul/ca.pem', serverName: 'server.dc1.consul' },
    })
  })

  it('are not read where it is given', () => {
    const given = { address: '127.0.0.1:8500', token: 'given', namespace: 'own', partition: 'own' }
    expect(resolveConsul(given, environment).agent).toMatchObject({
      origin: 'http://127.0.0.1:8500',
      token: 'given',
      scope: { ns: 'own', partition: 'own' },
      tls: undefined,
    })
  })

  it('count as not set when they are empty, and are named when they are wrong', () => {
    expect(resolveConsul({}, { CONSUL_HTTP_ADDR: '' }).agent.origin).toBe('http://127.0.0.1:8500')
    const wrong = { CONSUL_HTTP_ADDR: 'unix:///run/consul.sock' }
    expect(() => resolveConsul({}, wrong)).toThrow('CONSUL_HTTP_ADDR must be host:port')
  })
})

describe('the options of consulSource', () => {
  it.each([
    [{}, 'prefix must be the beginning of keys'],
    [{ prefix: '' }, 'prefix must be the beginning of keys'],
    [{ prefix: '/config' }, 'without a slash at its own beginning'],
    [{ prefix: 'a', maxValueBytes: 0 }, 'maxValueBytes must be a whole number from 1'],
    [{ prefix: 'a', cached: true }, '"cached" is no option'],
    [undefined, 'the options must be an object with prefix'],
  ])('refuse %o', (given, told) => {
    expect(() => consulSource(given as unknown as ConsulSourceOptions)).toThrow(told)
  })

  it('name the source by its prefix', () => {
    expect(consulSource({ prefix: 'config/user', address: 'consul:8500' })).toMatchObject({
      name: 'consul config/user/',
      connectsTo: ['http://consul:8500'],
    })
  })
})
