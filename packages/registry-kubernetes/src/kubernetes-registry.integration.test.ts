import {
  type RegistryHarness,
  type RegistryPlace,
  registryCases,
  registryConformance,
  tcpLink,
} from '@tenon/testing/registry'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { clusterAbsence } from '../../../test/support/cluster.ts'
import { ApiServer, apiServerAbsence } from './api-server.test-harness.ts'
import { ClusterNamespace } from './cluster.test-harness.ts'
import { resolveKubernetesOptions } from './kubernetes-options.ts'
import { openRegistry } from './kubernetes-registry.ts'

const isLong = process.env['TENON_OUTAGES'] === 'all'
const discoversOnly = 'Kubernetes announces pods by itself, this registry only finds them'

/** The suite of registries; what writes slices is given for each case. */
function harnessOf(start: RegistryHarness['start'], lacks: RegistryHarness['lacks'] = {}): RegistryHarness {
  return {
    name: 'kubernetes',
    lacks: {
      announce: discoversOnly,
      expire: discoversOnly,
      forget: discoversOnly,
      'endpoint.several': 'a pod has one address, and all pods of a slice the same ports',
      'field.version': 'a slice says nothing of the version of a pod',
      'field.weight': 'a slice says nothing of weights',
      'field.metadata': 'a slice says nothing of metadata',
      'field.health': 'pods that take no calls are left out',
      ...lacks,
    },
    bounds: { seenMs: 2_000, goneMs: 2_000, expiredMs: 2_000, noticedMs: 10_000 },
    caseLimitMs: 120_000,
    areLongCasesRun: isLong,
    start,
  }
}

const absence = clusterAbsence()

describe.skipIf(absence)(`the registry of a real Kubernetes${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let namespace: ClusterNamespace
  beforeAll(async () => void (namespace = await ClusterNamespace.create()))
  afterAll(() => namespace?.[Symbol.asyncDispose]())

  const start = () => openPlace(namespace)
  registryConformance(harnessOf(start, { restart: 'the cluster is shared with other tests' }), test)
})

const serverAbsence = isLong ? apiServerAbsence() : 'half a minute, without TENON_OUTAGES=all'

describe.skipIf(serverAbsence)(`an API server of its own${serverAbsence ? ` (skipped: ${serverAbsence})` : ''}`, () => {
  const start = async (): Promise<RegistryPlace> => {
    const server = await ApiServer.start()
    const namespace = await ClusterNamespace.create(server.access)
    const place = await openPlace(namespace)
    const close = async () => {
      await place.close()
      await namespace[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    }
    return { ...place, restart: () => server.restart(), close }
  }

  for (const { title, lacks, run } of registryCases(harnessOf(start)))
    if (!lacks && title.includes('is killed')) test(title, { timeout: 180_000 }, run)
})

/** A link of its own, on which half-open connections are noticed in a quarter of the time that others take, unless time matters less. */
async function openPlace(namespace: ClusterNamespace): Promise<RegistryPlace> {
  const link = await tcpLink(namespace.server.port, namespace.server.host)
  const pulse = { pingMs: 750, lookMs: 250, silentLooks: 7 }
  const open = async (origin: string) =>
    openRegistry(resolveKubernetesOptions({ namespace: namespace.name }), {
      connectsTo: [],
      openAccess: async () => ({ ...namespace.access, origin }),
      ...(!isLong && { pulse }),
    })
  return {
    open: () => open(`https://${link.address}`),
    openBeside: () => open(namespace.access.origin),
    publish: (name, instances) => namespace.publish(name, instances),
    link,
    corrupt: (name) =>
      namespace.apply(`${name}-foreign`, name, {
        addressType: 'FQDN',
        ports: [],
        endpoints: [{ addresses: ['user.example.com'] }],
      }),
    close: () => link[Symbol.asyncDispose](),
  }
}
