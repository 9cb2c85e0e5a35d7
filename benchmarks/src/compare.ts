import { Child, stayAwake } from './child.ts'
import type { Figure } from './figure.ts'
import { loadLanes, type OpenLanes } from './load/lane.ts'
import { spreadOf } from './statistic.ts'

/** One kind of request, the same to every server. */
export interface Workload {
  readonly name: string
  /** Requests to each server in a round; an even number. */
  readonly count: number
  /** Opens what carries the requests. */
  readonly open: OpenLanes
}

/** A server under measurement. */
export interface Program {
  readonly name: string
  /** Its compiled file, from this folder and without its ending: `dist/server/tenon-http`. */
  readonly path: string
  /** Of its process, beside what all have. */
  readonly environment?: Readonly<Record<string, string>>
  /** What Tenon's CPU per request, as a multiple of this one's, is to stay at or below. */
  readonly target?: number
}

export interface Comparison {
  readonly ours: Program
  readonly others: readonly Program[]
  readonly roundCount: number
  readonly workload: Workload
}

/** What one server did in one round. */
export interface Measured {
  readonly cpuMicroseconds: number
  readonly perSecond: number
}

/** What the servers did in one round, in their order: ours first. */
export type Round = readonly Measured[]

/** Rounds that one set of processes serves: enough to repay its warm-up, few enough that its luck is one among several. */
const roundsPerSet = 3

/** Rounds' worth of requests before the first that counts. A guess: by then the compilers of V8 have nothing left to do. */
const warmUpShare = 2

/** CPU per request of ours against each of the others. */
export async function compareServers(comparison: Comparison): Promise<readonly Figure[]> {
  const { ours, others, workload } = comparison
  const rounds = await measureServers(comparison)
  const of = (index: number, pick: (measured: Measured) => number) =>
    spreadOf(rounds.flatMap((round) => round[index] ?? []).map(pick))
  const ratios = others.map(({ name, target }, index) => ({
    name: `${workload.name}: CPU, Tenon / ${name}`,
    unit: '×',
    spread: ratioOf(rounds, index + 1),
    ...(target !== undefined && { target }),
  }))
  const programs = [ours, ...others].flatMap(({ name }, index) => [
    {
      name: `${workload.name}: ${name}`,
      unit: 'µs CPU/request',
      spread: of(index, ({ cpuMicroseconds }) => cpuMicroseconds),
    },
    { name: `${workload.name}: ${name}`, unit: 'requests/s', spread: of(index, ({ perSecond }) => perSecond) },
  ])
  return [...ratios, ...programs]
}

/** CPU per request of ours as a multiple of another server's, round by round. */
export function ratioOf(rounds: readonly Round[], other: number) {
  return spreadOf(rounds.flatMap((round) => toRatio(round, other)))
}

function toRatio(round: Round, other: number): readonly number[] {
  const [ours, theirs] = [round[0], round[other]]
  return ours && theirs ? [ours.cpuMicroseconds / theirs.cpuMicroseconds] : []
}

/** Sends as many requests as fast as they are answered. */
export async function send({ open }: Workload, port: number, count: number): Promise<void> {
  await loadLanes(await open(port), count)
}

/** All run at the same time, and only the one being measured has anything to do. */
export async function measureServers(comparison: Comparison): Promise<readonly Round[]> {
  const { roundCount } = comparison
  const rounds: Round[] = []
  while (rounds.length < roundCount) {
    rounds.push(...(await measureSet(comparison, Math.min(roundsPerSet, roundCount - rounds.length))))
  }
  return rounds
}

async function measureSet({ ours, others, workload }: Comparison, roundCount: number): Promise<readonly Round[]> {
  using _awake = stayAwake()
  await using children = new AsyncDisposableStack()
  const servers: Child[] = []
  for (const { path, environment } of [ours, ...others])
    servers.push(children.use(await Child.start(path, { ...(environment && { environment }) })))
  for (const { port } of servers) await send(workload, port, workload.count * warmUpShare)
  const rounds: Round[] = []
  while (rounds.length < roundCount) rounds.push(await measureRound(servers, workload))
  return rounds
}

/** Each has a turn on the way there and one on the way back, so that a machine that grows slower or faster hits all alike. */
async function measureRound(servers: readonly Child[], workload: Workload): Promise<Round> {
  const meters = servers.map((server) => new Meter(server))
  for (const meter of [...meters.toReversed(), ...meters]) await meter.add(workload)
  return meters.map((meter) => meter.total(workload.count))
}

/** Adds up what a server does in its turns of a round. */
class Meter {
  readonly #server: Child
  #cpuMicroseconds = 0
  #seconds = 0

  constructor(server: Child) {
    this.#server = server
  }

  async add(workload: Workload): Promise<void> {
    const before = await this.#server.usage()
    const startedAt = performance.now()
    await send(workload, this.#server.port, workload.count / 2)
    this.#seconds += (performance.now() - startedAt) / 1000
    const after = await this.#server.usage()
    this.#cpuMicroseconds += after.cpuMicroseconds - before.cpuMicroseconds
  }

  total(count: number): Measured {
    return { cpuMicroseconds: this.#cpuMicroseconds / count, perSecond: count / this.#seconds }
  }
}
