import type { Discovery } from '@tenon/core/registry'
import { consulRegistry } from '@tenon/registry-consul'
import { etcdRegistry } from '@tenon/registry-etcd'
import { kubernetesRegistry } from '@tenon/registry-kubernetes'
import { ready } from './ready.ts'

/** Asks to be answered when the list has so many instances, and one of them says this of itself. */
export interface WatchQuestion {
  readonly count: number
  readonly id: string
  readonly marker: string | undefined
}

/** What was seen since the last question. */
export interface WatchAnswer {
  readonly snapshotCount: number
}

const { BENCH_REGISTRY: kind = '', BENCH_ADDRESS: address = '', BENCH_NAME: name = '' } = process.env
const makers: Readonly<Record<string, () => Discovery>> = {
  consul: () => consulRegistry({ address }),
  etcd: () => etcdRegistry({ endpoints: [address] }),
  kubernetes: () => kubernetesRegistry(),
}
const make = makers[kind]
if (make === undefined) throw new Error(`BENCH_REGISTRY: expected ${Object.keys(makers).join(', ')}, found "${kind}"`)

let instances: ReadonlyMap<string, string | undefined> = new Map()
let snapshotCount = 0
let question: WatchQuestion | undefined

process.on('message', (asked) => {
  if (typeof asked === 'string') return
  question = asked as WatchQuestion
  look()
})
ready(0)
for await (const snapshot of make().watch(name, { signal: new AbortController().signal })) {
  instances = new Map(snapshot.map(({ id, metadata, zone }) => [id, metadata?.['marker'] ?? zone]))
  snapshotCount += 1
  look()
}

function look(): void {
  if (question === undefined || instances.size !== question.count) return
  if (question.count > 0 && instances.get(question.id) !== question.marker) return
  question = undefined
  process.send?.({ snapshotCount } satisfies WatchAnswer)
  snapshotCount = 0
}
