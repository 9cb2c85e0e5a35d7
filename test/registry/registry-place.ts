import { onTestFinished } from 'vitest'
import { consulAbsence, OwnConsul } from '../../packages/registry-consul/src/own-consul.test-harness.ts'
import { etcdAbsence, EtcdServer } from '../../packages/registry-etcd/src/etcd-server.test-harness.ts'
import type { ShopProcess } from '../promise/shop-process.ts'
import { clusterAbsence } from '../support/cluster.ts'
import { type HarmedWay, startToxiproxy } from '../support/toxiproxy.ts'
import { kubernetesPlace } from './kubernetes-place.ts'

/** Where services of the example find each other, until the running test has ended. */
export interface RegistryPlace {
  /** What the services are started with. */
  readonly environment: Readonly<Record<string, string>>
  /** What happens to the registry, one after the other, while calls go on. In the end it is as it was. */
  readonly harms: readonly Harm[]
  /** Longest time in which an instance that died is still told of; undefined where that is not the registry's to find out. */
  readonly ttlMs: number | undefined
  /** What a platform tells the registry of an instance, where that does not do so itself. */
  shows?(instances: readonly ShopProcess[]): Promise<void>
}

export interface Harm {
  readonly name: string
  readonly run: () => Promise<void>
}

export const registryPlaces: Readonly<Record<string, () => Promise<RegistryPlace>>> = {
  consul: async () => ownPlace(await OwnConsul.start(), 'consul'),
  etcd: async () => ownPlace(await EtcdServer.start(), 'etcd'),
  kubernetes: () => kubernetesPlace(),
}

/** Why those are skipped; undefined for one that is run. */
export const registryAbsences: Readonly<Record<string, string | undefined>> = {
  consul: consulAbsence,
  etcd: etcdAbsence,
  kubernetes: clusterAbsence(),
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

export async function harmedWay(port: number): Promise<HarmedWay> {
  const toxiproxy = await startToxiproxy()
  onTestFinished(() => toxiproxy[Symbol.asyncDispose]())
  return toxiproxy.to(port)
}

export function linkHarms(way: HarmedWay): readonly Harm[] {
  return [
    { name: 'is cut off', run: () => way.cut() },
    { name: 'is reached again', run: () => way.restore() },
    { name: 'is slow', run: () => way.slow(1_000) },
    { name: 'is fast again', run: () => way.restore() },
    { name: 'is silent', run: () => way.freeze() },
    { name: 'is heard again', run: () => way.restore() },
  ]
}
