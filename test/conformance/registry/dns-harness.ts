import { dnsRegistry, type DnsRegistryOptions, type Instance } from '@tenon/core/registry'
import type { RegistryHarness, RegistryLacks } from '@tenon/testing/registry'
import { type DnsRecord, DnsServer } from '../../../packages/core/src/registry/dns/dns-server.test-harness.ts'

const noMore = 'DNS tells addresses, and nothing else'

const lacks = {
  announce: 'who writes the zone announces',
  expire: 'who writes the zone does that',
  forget: 'nothing is announced',
  malformed: 'a record that is no address cannot be given',
  'link.count': 'questions are datagrams',
  'endpoint.several': 'an address has one port',
  'field.id': noMore,
  'field.version': noMore,
  'field.zone': noMore,
  'field.metadata': noMore,
  'field.health': noMore,
} as const satisfies RegistryLacks

/** The registry asks often, and gives a server little time: what is to be seen is the same. */
const options = { domain: 'test', minTtlMs: 20, maxTtlMs: 40, timeoutMs: 500 } as const satisfies DnsRegistryOptions

interface DnsHarnessOptions {
  readonly name: string
  readonly lacks?: RegistryLacks
  readonly options?: DnsRegistryOptions
  /** Writes what a name has. */
  readonly publish: (server: DnsServer, name: string, instances: readonly Instance[]) => void
}

function dnsHarness({ name, options: more, publish, lacks: others }: DnsHarnessOptions): RegistryHarness {
  return {
    name,
    lacks: { ...lacks, ...others },
    // Limits only: what is right comes much earlier.
    bounds: { seenMs: 10_000, goneMs: 10_000, expiredMs: 10_000, noticedMs: 10_000 },
    slowMs: 200,
    areLongCasesRun: process.env['TENON_OUTAGES'] === 'all',
    start: async () => {
      const server = await DnsServer.start()
      return {
        open: async () => dnsRegistry({ ...options, ...more, servers: [server.address] }),
        publish: async (of, instances) => publish(server, `${of}.test`, instances),
        restart: async () => {
          await server.close()
          await server.listen()
        },
        link: {
          cut: () => server.close(),
          freeze: async () => void (server.mode = 'silent'),
          slow: async (delayMs) => void (server.delayMs = delayMs),
          restore: async () => {
            server.mode = 'right'
            server.delayMs = 0
            await server.close()
            await server.listen()
          },
        },
        close: () => server.close(),
      }
    },
  }
}

/** Addresses, as of a headless service. */
export const dnsAddressHarness = dnsHarness({
  name: 'DNS, by addresses',
  lacks: { 'field.weight': noMore },
  options: { port: 50_051 },
  publish: (server, name, instances) => server.set(name, instances.length === 0 ? undefined : instances.map(toAddress)),
})

/** Ports, weights and the names of hosts, and addresses of these. */
export const dnsServiceHarness = dnsHarness({
  name: 'DNS, by SRV records',
  publish: (server, name, instances) => {
    for (const [index, instance] of instances.entries()) server.set(`host${index}.${name}`, [toAddress(instance)])
    server.set(
      `_grpc._tcp.${name}`,
      instances.map((instance, index) => toService(instance, `host${index}.${name}`)),
    )
  },
})

function toAddress({ endpoints: [endpoint] }: Instance): DnsRecord {
  const address = endpoint?.host ?? ''
  return { type: address.includes(':') ? 'AAAA' : 'A', address, ttl: 0 }
}

/** What is given no calls while others can take them has a lower priority, which is a larger number. */
function toService({ endpoints: [endpoint], weight = 1 }: Instance, target: string): DnsRecord {
  return { type: 'SRV', target, port: endpoint?.port ?? 0, weight, priority: weight === 0 ? 20 : 10 }
}
