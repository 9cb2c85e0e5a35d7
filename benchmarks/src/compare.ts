import { Child, stayAwake } from './child.ts'
import type { Figure } from './report.ts'
import { spreadOf } from './statistic.ts'

/** One kind of request to both servers. */
export interface Workload {
  readonly name: string
  readonly target: number
  /** Requests to each side in a round; an even number. */
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

/** What one server did in one round. */
interface Measured {
  readonly cpu: number
  readonly perSecond: number
}

type Side = 'ours' | 'theirs'
type Round = Readonly<Record<Side, Measured>>

/** The order in which the sides are measured within a round, so that a machine that grows slower or faster hits both alike. */
const turns: readonly Side[] = ['theirs', 'ours', 'ours', 'theirs']

/** Rounds that one pair of processes serves: enough to repay its warm-up, few enough that its luck is one among several. */
const roundsPerPair = 3

/** Rounds' worth of requests before the first that counts. A guess: by then the compilers of V8 have nothing left to do. */
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
  using _awake = stayAwake()
  await using our = await Child.start(ours)
  await using their = await Child.start(theirs)
  const servers = { ours: our, theirs: their }
  for (const { port } of [our, their]) await workload.send(port, workload.count * warmUpShare)
  const rounds: Round[] = []
  while (rounds.length < roundCount) rounds.push(await measureRound(servers, workload))
  return rounds
}

async function measureRound(servers: Readonly<Record<Side, Child>>, workload: Workload): Promise<Round> {
  const meters = { ours: new Meter(), theirs: new Meter() }
  for (const side of turns) await meters[side].add(servers[side], workload)
  return { ours: meters.ours.total(workload.count), theirs: meters.theirs.total(workload.count) }
}

/** Adds up what a server does in its turns of a round. */
class Meter {
  #cpuMicroseconds = 0
  #seconds = 0

  async add(server: Child, { send, count }: Workload): Promise<void> {
    const before = await server.usage()
    const startedAt = performance.now()
    await send(server.port, count / 2)
    this.#seconds += (performance.now() - startedAt) / 1000
    const after = await server.usage()
    this.#cpuMicroseconds += after.cpuMicroseconds - before.cpuMicroseconds
  }

  total(count: number): Measured {
    return { cpu: this.#cpuMicroseconds / count, perSecond: count / this.#seconds }
  }
}
