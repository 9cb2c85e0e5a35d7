import {
  registryConformance,
  type RegistryHarness,
  type RegistryPlace,
  type RegistryTestFunction,
  type TcpLink,
  tcpLink,
} from '@tenon/testing/registry'
import type { Instance, Registry } from '@tenon/core/registry'
import { afterAll, beforeAll, describe, test, vi } from 'vitest'
import { consulRegistry, type ConsulOptions } from './index.ts'
import { consulAbsence, OwnConsul } from './own-consul.test-harness.ts'

// Each test says itself which token it uses.
vi.stubEnv('CONSUL_HTTP_TOKEN', '')

/** What an announcing service that finds others must be allowed. */
const rules = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }'

/** Set by `.ci/soak`: with an outage of half a minute. */
const isLong = process.env['TENON_OUTAGES'] === 'all'

/** Short, so that expiry and half-open connections are awaited in little time. */
const times = { ttlMs: 2_000, waitMs: 500, requestTimeoutMs: 600 } as const

describe.skipIf(consulAbsence !== undefined).each([{ hasAcl: false }, { hasAcl: true }])(
  `consulRegistry, access control lists: $hasAcl${skipped(consulAbsence)}`,
  ({ hasAcl }) => {
    let consul: OwnConsul
    let token: string | undefined
    beforeAll(async () => {
      consul = await OwnConsul.start({ hasAcl })
      if (hasAcl) token = await consul.token(rules)
    })
    afterAll(() => consul[Symbol.asyncDispose]())

    const harness: RegistryHarness = {
      name: 'consul',
      bounds,
      slowMs: 200,
      areLongCasesRun: isLong,
      lacks: hasAcl ? { restart: 'a server in memory forgets its tokens' } : {},
      start: async () => placeOf(consul, { ...times, ...(token !== undefined && { token }) }),
    }
    registryConformance(harness, hasAcl && !isLong ? shortly : test)
  },
)

const bounds = { seenMs: 2_000, goneMs: 2_000, expiredMs: times.ttlMs + 2_000, noticedMs: 5_000 } as const

/** Outages and many instances are the same whatever the token: they are run with access control lists in the long form only. */
const shortly: RegistryTestFunction = Object.assign(
  (name: string, run: () => Promise<void>, timeoutMs: number) =>
    /^(?:outage|many)/.test(name) ? test.skip(name, run) : test(name, run, timeoutMs),
  { skip: test.skip },
)

describe.skipIf(consulAbsence !== undefined || !isLong)(
  `consulRegistry, by an agent that is no server${skipped(consulAbsence ?? (isLong ? undefined : 'TENON_OUTAGES is not all'))}`,
  () => {
    let server: OwnConsul
    let client: OwnConsul
    beforeAll(async () => {
      server = await OwnConsul.start()
      client = await server.startClient()
    })
    afterAll(async () => {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })
    const start = async () => placeOf(client, times)
    registryConformance({ name: 'consul client', bounds, slowMs: 200, areLongCasesRun: isLong, start }, test)
  },
)

function skipped(reason: string | undefined): string {
  return reason === undefined ? '' : ` (skipped: ${reason})`
}

/** Every process has a link of its own to the one of the place, by which it dies. */
async function placeOf(consul: OwnConsul, options: ConsulOptions): Promise<RegistryPlace> {
  const link = await tcpLink(consul.port)
  const owns = new Map<Registry, TcpLink>()
  const open = async (port: number) => {
    const own = await tcpLink(port)
    const registry = consulRegistry({ ...options, address: own.address })
    owns.set(registry, own)
    return registry
  }
  return {
    link,
    open: () => open(link.port),
    openBeside: () => open(consul.port),
    publish: (name, instances) => publish(consul, name, instances),
    crash: async (registry) => owns.get(registry)?.cut(),
    forget: async ({ id }) => void (await consul.ask('PUT', `agent/service/deregister/${id}`)),
    restart: async () => {
      await consul.kill()
      await consul.launch()
    },
    corrupt: async (name) =>
      void (await consul.ask('PUT', 'agent/service/register', { Name: name, ID: `${name}-foreign` })),
    close: async () => {
      for (const one of [...owns.values(), link]) await one[Symbol.asyncDispose]()
    },
  }
}

/** Shows these instances under a name, and no others. */
async function publish(consul: OwnConsul, name: string, instances: readonly Instance[]): Promise<void> {
  const nodes = await consul.ask('GET', `catalog/service/${name}`)
  const shown = (nodes as readonly { ServiceID: string; Node: string }[]).filter(({ Node }) => Node === 'elsewhere')
  const wanted = new Set(instances.map(({ id }) => id))
  const gone = shown.filter(({ ServiceID: id }) => !wanted.has(id)).map(({ ServiceID }) => ServiceID)
  for (const id of gone) await consul.ask('PUT', 'catalog/deregister', { Node: 'elsewhere', ServiceID: id })
  const known = new Set(shown.map(({ ServiceID }) => ServiceID))
  const fresh = instances.filter(({ id }) => !known.has(id)).values()
  const lane = async () => {
    for (const instance of fresh) await consul.publish(instance)
  }
  await Promise.all(Array.from({ length: 32 }, lane))
}
