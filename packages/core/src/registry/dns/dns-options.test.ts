import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../error/setup-error.ts'
import { type DnsRegistryOptions, dnsRegistryDefaults, resolveDns } from './dns-options.ts'
import { dnsRegistry } from './dns-registry.ts'

/** As someone without types may write them. */
const refusalOf = (options: object): readonly string[] => {
  try {
    dnsRegistry(options as DnsRegistryOptions)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ code, message }) => `${code} ${message}`)
    throw error
  }
}

describe('the options of dnsRegistry', () => {
  it('may all be left out, or be undefined', () => {
    const left = Object.fromEntries(Object.keys(dnsRegistryDefaults).map((name) => [name, undefined]))
    expect(refusalOf({})).toEqual([])
    expect(resolveDns(left)).toEqual({ ...dnsRegistryDefaults, services: {} })
  })

  it.each([
    [{ prot: 'grpc' }, 'config.malformed dnsRegistry: "prot" is no option, perhaps p'],
    [{ port: 0 }, 'config.out_of_range dnsRegistry: port must be a whole number from 1 to 65535, found 0'],
    [
      { protocol: 'GRPC ' },
      'config.malformed dnsRegistry: protocol must be letters such as grpc or http, found "GRPC "',
    ],
    [
      { domain: 'a b' },
      'config.malformed dnsRegistry: domain must be a name such as user.shop.svc.cluster.local, found "a b"',
    ],
    [{ domain: '' }, 'dnsRegistry: domain must be a name such as user.shop.svc.cluster.local, found ""'],
    [{ services: { user: 'u' } }, 'dnsRegistry: services.user must be { host, port, protocol }, found "u"'],
    [{ services: { user: { hosts: 'u' } } }, 'dnsRegistry: services.user: "hosts" is no option, perhaps host is meant'],
    [
      { services: { user: { port: 70_000 } } },
      'services.user.port must be a whole number from 1 to 65535, found 70000',
    ],
    [{ services: { user: { host: '' } } }, 'services.user.host must be a name such as user.shop.svc.cluster.local'],
    [{ addressFamily: 'ip' }, 'dnsRegistry: addressFamily must be one of both, ipv4, ipv6, found "ip"'],
    [
      { servers: ['dns.internal'] },
      'servers must be a list of addresses such as 10.0.0.10 or 10.0.0.10:5353, not of names, found "dns.internal"',
    ],
    [{ servers: [] }, 'not of names, found an empty one'],
    [{ servers: '10.0.0.10' }, 'not of names, found "10.0.0.10"'],
    [{ minTtlMs: 5 }, 'dnsRegistry: minTtlMs must be a whole number from 10 to 3600000, found 5'],
    [{ maxTtlMs: 400 }, 'dnsRegistry: maxTtlMs must not be below minTtlMs, which is 500, found 400'],
    [{ timeoutMs: 0.5 }, 'dnsRegistry: timeoutMs must be a whole number from 10 to 60000, found 0.5'],
  ])('%o', (options, message) => {
    expect(refusalOf(options)).toEqual([expect.stringContaining(message)])
  })

  it('are told of all at once', () => {
    expect(refusalOf({ port: 0, domain: '', timeoutMs: 0 })).toHaveLength(3)
  })

  it('tell which servers it connects to, with the port of DNS where none is given', () => {
    const servers = ['10.0.0.10', '10.0.0.10:5353', '2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:5353']
    expect(dnsRegistry({ servers }).connectsTo).toEqual([
      '10.0.0.10:53',
      '10.0.0.10:5353',
      '[2001:db8::1]:53',
      '[2001:db8::1]:53',
      '[2001:db8::1]:5353',
    ])
    expect(dnsRegistry().connectsTo).toBeUndefined()
  })
})
