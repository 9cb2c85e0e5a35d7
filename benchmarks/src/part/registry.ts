import { randomUUID } from 'node:crypto'
import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import { CountedWay } from '../load/counted-way.ts'
import type { WatchAnswer, WatchQuestion } from '../server/registry-watch.ts'
import { spreadOf } from '../statistic.ts'
import { consulPlace } from './registry/consul-place.ts'
import { etcdPlace } from './registry/etcd-place.ts'
import { kubernetesPlace } from './registry/kubernetes-place.ts'
import type { RegistryPlace } from './registry/registry-place.ts'

const instanceCount = 1_000
const changesInRound = 20

/** What a watch of a name with a thousand instances holds, and what a change of one of them costs it, beside what the registry sends for it. */
export async function measureRegistry(roundCount: number): Promise<readonly Figure[]> {
  const places = [consulPlace(), etcdPlace(), await kubernetesPlace()].filter((place) => place !== undefined)
  if (places.length === 0) throw new Error('registry: CONSUL_HTTP_ADDR, ETCD_ENDPOINTS and KUBECONFIG name no registry')
  const figures: Figure[] = []
  for (const place of places) figures.push(...(await measurePlace(place, roundCount)))
  return figures
}

async function measurePlace(place: RegistryPlace, roundCount: number): Promise<readonly Figure[]> {
  const name = `bench-${randomUUID().slice(0, 8)}`
  await using way = await CountedWay.to(place.address)
  const environment = { BENCH_NAME: name, ...place.environment(way.port) }
  await using child = await Child.start('dist/server/registry-watch', { environment })
  const seen = (question: WatchQuestion) => child.ask<WatchAnswer>(question)
  await seen({ count: 0, id: '', marker: undefined })
  const empty = await child.usage('live')
  await using published = await place.publish(name, instanceCount)
  const [id = ''] = published.ids
  await seen({ count: instanceCount, id, marker: '0' })
  const full = await child.usage('live')
  // Lists that came of the publishing are no lists of a change.
  await seen({ count: instanceCount, id, marker: '0' })
  const rounds: {
    readonly cpu: number
    readonly bytes: number
    readonly ownBytes: number
    readonly snapshots: number
  }[] = []
  for (let round = 1; round <= roundCount; round += 1) {
    const before = { bytes: way.receivedBytes, cpu: (await child.usage()).cpuMicroseconds }
    let snapshots = 0
    for (let change = 0; change < changesInRound; change += 1) {
      const marker = `${round}-${change}`
      const changed = published.ids[(round * changesInRound + change) % instanceCount] ?? id
      await published.change(changed, marker)
      snapshots += (await seen({ count: instanceCount, id: changed, marker })).snapshotCount
    }
    const cpu = (await child.usage()).cpuMicroseconds - before.cpu
    const bytes = way.receivedBytes - before.bytes
    rounds.push({ cpu, bytes, snapshots, ownBytes: await published.messageBytes() })
  }
  const per = (total: number) => total / changesInRound
  const line = (what: string, unit: string, values: readonly number[], target?: number): Figure => ({
    name: `registry, ${place.name}, ${instanceCount} instances: ${what}`,
    unit,
    spread: spreadOf(values),
    ...(target !== undefined && { target }),
  })
  return [
    line('held by a watch', 'KB', [(full.liveBytes - empty.liveBytes) / 1_000]),
    line(
      'CPU of a change',
      'µs',
      rounds.map(({ cpu }) => per(cpu)),
    ),
    line(
      'received for a change',
      'KB',
      rounds.map(({ bytes }) => per(bytes) / 1_000),
    ),
    line(
      'received / own message of the registry',
      '×',
      rounds.map(({ bytes, ownBytes }) => per(bytes) / ownBytes),
      place.target,
    ),
    line(
      'lists given for a change',
      '',
      rounds.map(({ snapshots }) => per(snapshots)),
      1,
    ),
  ]
}
