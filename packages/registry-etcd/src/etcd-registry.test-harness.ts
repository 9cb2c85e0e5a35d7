import type { Registry } from '@tenon/core/registry'
import type { RegistryHarness, RegistryPlace } from '@tenon/testing/registry'
import type { EtcdServer } from './etcd-server.test-harness.ts'
import { toKey } from './etcd-mapping.ts'
import type { EtcdRegistryOptions } from './etcd-options.ts'
import { etcdRegistry } from './etcd-registry.ts'
import { Link } from './link.test-harness.ts'

/** Of processes that die, or are cut off: what becomes of them is seen soon. */
const shortTimes = { ttlMs: 3_000, requestTimeoutMs: 2_000, watchTimeoutMs: 3_000 }

const prefix = '/tenon/services'

/** The suite's way to one member, whose times are short. */
export function etcdHarness(server: () => EtcdServer): RegistryHarness {
  return {
    name: 'etcd',
    slowMs: 250,
    areLongCasesRun: process.env['TENON_OUTAGES'] === 'all',
    bounds: { seenMs: 2_000, goneMs: 2_000, expiredMs: 5_000, noticedMs: 6_000 },
    start: async () => toPlace(server()),
  }
}

function toPlace(server: EtcdServer): RegistryPlace {
  const links = new Map<Registry, Link>()
  const [near, beside]: [Link[], Link[]] = [[], []]
  const open = async (group: Link[], times: Partial<EtcdRegistryOptions> = {}) => {
    const link = await Link.to(server.address)
    const registry = etcdRegistry({ endpoints: [link.address], ...times })
    group.push(link)
    links.set(registry, link)
    return registry
  }
  const each = async (change: (link: Link) => void) => near.forEach(change)
  return {
    open: () => open(near, shortTimes),
    openBeside: () => open(beside),
    link: {
      cut: () => each((link) => link.cut()),
      freeze: () => each((link) => link.silence()),
      slow: (delayMs) => each((link) => link.slow(delayMs)),
      restore: () => each((link) => link.mend()),
      connectionCount: () => near.reduce((count, link) => count + link.openCount, 0),
    },
    crash: async (registry) => links.get(registry)?.cut(),
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
      for (const link of [...near, ...beside]) await link[Symbol.asyncDispose]()
    },
  }
}
