import { Child } from './child.ts'
import type { Figure } from './report.ts'
import { pairedRounds, spreadOf } from './statistic.ts'

/** One kind of request to both servers. */
export interface Workload {
  readonly name: string
  readonly target: number
  /** Requests in one measurement. */
  readonly count: number
  send(port: number, count: number): Promise<void>
}

export interface Comparison {
  readonly ours: string
  readonly theirs: string
  readonly theirName: string
  readonly roundCount: number
  readonly workload: Workload
}

interface Measured {
  readonly cpu: number
  readonly perSecond: number
}

type Round = Readonly<Record<'ours' | 'theirs', Measured>>

/** Rounds that one pair of processes serves: enough to repay its warm-up, few enough that its luck is one among several. */
const roundsPerPair = 3

/** Measurements' worth of requests before the first that counts. A guess: by then the compilers of V8 have nothing left to do. */
const warmUpShare = 2

/** CPU per request of two servers. Both run at the same time, and only the one being measured has anything to do. */
export async function compareServers(comparison: Comparison): Promise<readonly Figure[]> {
  const { theirName, roundCount, workload } = comparison
  const rounds: Round[] = []
  while (rounds.length < roundCount) {
    rounds.push(...(await measurePair(comparison, Math.min(roundsPerPair, roundCount - rounds.length))))
  }
  const each = (pick: (round: Round) => number) => spreadOf(rounds.map(pick))
  return [
    {
      name: `${workload.name}: CPU, Tenon / ${theirName}`,
      unit: '×',
      spread: each(({ ours, theirs }) => ours.cpu / theirs.cpu),
      target: workload.target,
    },
    { name: `${workload.name}: Tenon`, unit: 'µs CPU/request', spread: each(({ ours }) => ours.cpu) },
    { name: `${workload.name}: ${theirName}`, unit: 'µs CPU/request', spread: each(({ theirs }) => theirs.cpu) },
    { name: `${workload.name}: Tenon`, unit: 'requests/s', spread: each(({ ours }) => ours.perSecond) },
    { name: `${workload.name}: ${theirName}`, unit: 'requests/s', spread: each(({ theirs }) => theirs.perSecond) },
  ]
}

async function measurePair({ ours, theirs, workload }: Comparison, roundCount: number): Promise<readonly Round[]> {
  await using our = await Child.start(ours)
  await using their = await Child.start(theirs)
  for (const { port } of [our, their]) await workload.send(port, workload.count * warmUpShare)
  return await pairedRounds(roundCount, {
    ours: () => measure(our, workload),
    theirs: () => measure(their, workload),
  })
}

async function measure(server: Child, { send, count }: Workload): Promise<Measured> {
  const before = await server.usage()
  const startedAt = performance.now()
  await send(server.port, count)
  const seconds = (performance.now() - startedAt) / 1000
  const after = await server.usage()
  return { cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / count, perSecond: count / seconds }
}
