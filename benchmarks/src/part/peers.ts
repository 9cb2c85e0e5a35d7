import { Child, stayAwake } from '../child.ts'
import { measureServers, type Program, type Round, send, type Workload } from '../compare.ts'
import type { Figure } from '../figure.ts'
import { loadAtRate } from '../load/rate-load.ts'
import { type Spread, spreadOf } from '../statistic.ts'

/** Servers that do the same work, ours first. */
export type Peers = readonly [Program, ...Program[]]

/** A guess: well below what the slowest takes on one core, so that what is measured is a server's own time and no queue. */
const requestsPerSecond = 1_000
const requestsAtRate = 2_000
const bytesPerMb = 1_000_000

/** What all of them did with a workload, as figures and round by round. */
export async function measureLoad([ours, ...others]: Peers, workload: Workload, roundCount: number) {
  const rounds = await measureServers({ ours, others, roundCount, workload })
  const figures = [ours, ...others].flatMap(({ name }, index) => toFigures(`${workload.name}: ${name}`, rounds, index))
  return { figures, rounds }
}

function toFigures(name: string, rounds: readonly Round[], index: number): readonly Figure[] {
  const measured = rounds.flatMap((round) => round[index] ?? [])
  return [
    { name, unit: 'µs CPU/request', spread: spreadOf(measured.map(({ cpuMicroseconds }) => cpuMicroseconds)) },
    { name, unit: 'requests/s', spread: spreadOf(measured.map((each) => each.perSecond)) },
  ]
}

/** Requests per second of one as a multiple of another's, round by round. */
export function throughputRatioOf(rounds: readonly Round[], one: number, other: number): Spread {
  const perSecond = (round: Round, index: number) => round[index]?.perSecond ?? Number.NaN
  return spreadOf(rounds.map((round) => perSecond(round, one) / perSecond(round, other)))
}

/** Latency while every server gets the same number of requests a second. */
export async function measureRate(peers: Peers, workload: Workload, roundCount: number): Promise<readonly Figure[]> {
  using _awake = stayAwake()
  const figures: Figure[] = []
  for (const { name, path, environment } of peers) {
    await using server = await Child.start(path, { ...(environment && { environment }) })
    const load = async () =>
      loadAtRate(await workload.open(server.port), { requestsPerSecond, requestCount: requestsAtRate })
    await load()
    const rounds = []
    while (rounds.length < roundCount) rounds.push(await load())
    const title = `${workload.name} at ${requestsPerSecond}/s: ${name}`
    figures.push({ name: title, unit: 'ms p50', spread: spreadOf(rounds.map(({ p50Ms }) => p50Ms)) })
    figures.push({ name: title, unit: 'ms p99', spread: spreadOf(rounds.map(({ p99Ms }) => p99Ms)) })
  }
  return figures
}

/** What fresh processes took and held, in the order of the rounds. */
export interface ProcessRounds {
  readonly startMs: readonly number[]
  readonly rssMb: readonly number[]
}

/** What a fresh process takes to serve its first request, and its memory after as many as the workload has. */
export async function measureProcess(peers: Peers, workload: Workload, roundCount: number) {
  const taken = new Map(peers.map(({ name, path }) => [name, { path, startMs: [] as number[], rssMb: [] as number[] }]))
  for (let round = 0; round < roundCount; round++) {
    for (const [, { path, startMs, rssMb }] of round % 2 === 0 ? taken : [...taken].toReversed()) {
      await using server = await Child.start(path)
      await send(workload, server.port, workload.count)
      startMs.push(server.startMs)
      rssMb.push((await server.usage()).rssBytes / bytesPerMb)
    }
  }
  const figures = [...taken].flatMap(([name, { startMs, rssMb }]): readonly Figure[] => [
    { name: `start-up: ${name}`, unit: 'ms', spread: spreadOf(startMs) },
    { name: `memory after ${workload.count} requests: ${name}`, unit: 'MB RSS', spread: spreadOf(rssMb) },
  ])
  const of = ({ name }: Program): ProcessRounds => taken.get(name) ?? { startMs: [], rssMb: [] }
  return { figures, of }
}
