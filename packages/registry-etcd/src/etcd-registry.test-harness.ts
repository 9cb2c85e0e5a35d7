import type { Registry } from '@tenon/core/registry'
import { type RegistryHarness, type RegistryPlace, type TcpLink, tcpLink } from '@tenon/testing/registry'
import type { EtcdServer } from './etcd-server.test-harness.ts'
import { toKey } from './etcd-mapping.ts'
import type { EtcdRegistryOptions } from './etcd-options.ts'
import { etcdRegistry } from './etcd-registry.ts'

/** Of processes that die, or are cut off: what becomes of them is seen soon. */
const shortTimes = { ttlMs: 3_000, watchTimeoutMs: 3_000 }

const prefix = '/tenon/services'

/** The suite's way to one member, whose times are short. */
export function etcdHarness(server: () => EtcdServer): RegistryHarness {
  return {
    name: 'etcd',
    slowMs: 250,
    areLongCasesRun: process.env['TENON_OUTAGES'] === 'all',
    bounds: { seenMs: 2_000, goneMs: 2_000, expiredMs: 5_000, noticedMs: 6_000 },
    start: () => toPlace(server()),
  }
}

/** Every process has a link of its own to the one of the place, by which it dies. */
async function toPlace(server: EtcdServer): Promise<RegistryPlace> {
  const link = await tcpLink(server.port)
  const owns = new Map<Registry, TcpLink>()
  const open = async (port: number, times: Partial<EtcdRegistryOptions> = {}) => {
    const own = await tcpLink(port)
    const registry = etcdRegistry({ endpoints: [own.address], ...times })
    owns.set(registry, own)
    return registry
  }
  return {
    link,
    open: () => open(link.port, shortTimes),
    openBeside: () => open(server.port),
    crash: async (registry) => owns.get(registry)?.cut(),
    forget: async (instance) => {
      await server.remove(toKey(prefix, instance))
    },
    restart: async () => {
      await server.kill()
      await server.launch()
    },
    corrupt: async (name) => {
      await server.put(toKey(prefix, { name, id: 'broken' }), '{"id":')
    },
    close: async () => {
      for (const one of [...owns.values(), link]) await one[Symbol.asyncDispose]()
    },
  }
}
