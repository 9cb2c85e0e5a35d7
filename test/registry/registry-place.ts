import { onTestFinished } from 'vitest'
import { consulAbsence, OwnConsul } from '../../packages/registry-consul/src/own-consul.test-harness.ts'
import { etcdAbsence, EtcdServer } from '../../packages/registry-etcd/src/etcd-server.test-harness.ts'
import { apiServerAbsence } from '../../packages/registry-kubernetes/src/api-server.test-harness.ts'
import { harmedWay, linkHarms, type RegistryPlace } from './harmed-registry.ts'
import { kubernetesPlace } from './kubernetes-place.ts'

export const registryPlaces: Readonly<Record<string, () => Promise<RegistryPlace>>> = {
  consul: async () => ownPlace(await OwnConsul.start(), 'consul'),
  etcd: async () => ownPlace(await EtcdServer.start(), 'etcd'),
  kubernetes: () => kubernetesPlace(),
}

/** Why those are skipped; undefined for one that is run. */
export const registryAbsences: Readonly<Record<string, string | undefined>> = {
  consul: consulAbsence,
  etcd: etcdAbsence,
  kubernetes: apiServerAbsence(),
}

/** A server that may be killed. */
interface OwnServer extends AsyncDisposable {
  readonly address: string
  kill(): Promise<void>
  launch(): Promise<void>
}

async function ownPlace(server: OwnServer, scheme: 'consul' | 'etcd'): Promise<RegistryPlace> {
  onTestFinished(() => server[Symbol.asyncDispose]())
  const way = await harmedWay(Number(new URL(`http://${server.address}`).port))
  return {
    environment: { REGISTRY: `${scheme}://127.0.0.1:${way.port}` },
    harms: [
      { name: 'is killed', run: () => server.kill() },
      { name: 'is started again', run: () => server.launch() },
      ...linkHarms(way),
    ],
    ttlMs: 15_000,
  }
}
