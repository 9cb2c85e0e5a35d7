import { Child, stayAwake } from '../child.ts'
import { type Comparison, measureServers, type Program, ratioOf, type Round } from '../compare.ts'
import { compilePeers } from '../compile.ts'
import { getById, type HttpRequest, validatedPost } from '../load/http-request.ts'
import { loadAtRate } from '../load/rate-load.ts'
import type { Figure } from '../figure.ts'
import { type Spread, spreadOf } from '../statistic.ts'
import { toWorkload } from './http.ts'

const ours: Program = { name: 'Tenon', path: 'dist/server/tenon-http' }
const fastify: Program = { name: 'Fastify', path: 'dist/server/fastify-http' }
const nest: Program = { name: 'NestJS 12 on Fastify', path: 'peer/dist/nest-http' }
const others: readonly Program[] = [
  { name: 'node:http', path: 'peer/dist/node-http' },
  fastify,
  { name: 'Hono', path: 'peer/dist/hono-http' },
  nest,
  { name: 'Moleculer', path: 'peer/dist/moleculer-http' },
]
const programs = [ours, ...others]

/** A guess: well below what the slowest takes on one core, so that what is measured is a server's own time and no queue. */
const requestsPerSecond = 1_000
const requestsAtRate = 2_000

/** Tenon's HTTP transport beside other servers, all in one run, all doing the same work. */
export async function measureHttpPeers(roundCount: number): Promise<readonly Figure[]> {
  await compilePeers()
  return [
    ...(await measureLoad(getById, roundCount)),
    ...(await measureLoad(validatedPost, roundCount)),
    ...(await measureRate(validatedPost, roundCount)),
    ...(await measureProcess(roundCount)),
  ]
}

async function measureLoad(request: HttpRequest, roundCount: number): Promise<readonly Figure[]> {
  const comparison: Comparison = { ours, others, roundCount, workload: toWorkload(request) }
  const rounds = await measureServers(comparison)
  const figures = programs.flatMap(({ name }, index) => toFigures(`${request.name}: ${name}`, rounds, index))
  const toFastify = ratioOf(rounds, programs.indexOf(fastify))
  const throughput = spreadOf(rounds.map((round) => perSecond(round, nest) / perSecond(round, ours)))
  return [
    ...figures,
    { name: `${request.name}: CPU, Tenon / Fastify`, unit: '×', spread: toFastify, target: 1.15 },
    {
      name: `${request.name}: requests/s, NestJS / Tenon`,
      unit: '×',
      spread: throughput,
      ...(request === validatedPost && { target: 1 / 3 }),
    },
  ]
}

function toFigures(name: string, rounds: readonly Round[], index: number): readonly Figure[] {
  const measured = rounds.flatMap((round) => round[index] ?? [])
  return [
    { name, unit: 'µs CPU/request', spread: spreadOf(measured.map(({ cpuMicroseconds }) => cpuMicroseconds)) },
    { name, unit: 'requests/s', spread: spreadOf(measured.map((each) => each.perSecond)) },
  ]
}

function perSecond(round: Round, program: Program): number {
  return round[programs.indexOf(program)]?.perSecond ?? Number.NaN
}

/** Latency while every server gets the same number of requests a second. */
async function measureRate(request: HttpRequest, roundCount: number): Promise<readonly Figure[]> {
  using _awake = stayAwake()
  const figures: Figure[] = []
  for (const { name, path } of programs) {
    await using server = await Child.start(path)
    const { port } = server
    const load = () => loadAtRate({ port, request, requestsPerSecond, requestCount: requestsAtRate })
    await load()
    const rounds = []
    while (rounds.length < roundCount) rounds.push(await load())
    const title = `${request.name} at ${requestsPerSecond}/s: ${name}`
    figures.push({ name: title, unit: 'ms p50', spread: spreadOf(rounds.map(({ p50Ms }) => p50Ms)) })
    figures.push({ name: title, unit: 'ms p99', spread: spreadOf(rounds.map(({ p99Ms }) => p99Ms)) })
  }
  return figures
}

/** What a fresh process takes to serve its first request, and its memory after 20,000. */
async function measureProcess(roundCount: number): Promise<readonly Figure[]> {
  const { send, count } = toWorkload(getById)
  const started = new Map(programs.map((program) => [program, { startMs: [] as number[], rssMb: [] as number[] }]))
  for (let round = 0; round < roundCount; round++) {
    for (const [{ path }, { startMs, rssMb }] of round % 2 === 0 ? started : [...started].toReversed()) {
      await using server = await Child.start(path)
      await send(server.port, count)
      startMs.push(server.startMs)
      rssMb.push((await server.usage()).rssBytes / 1_000_000)
    }
  }
  const of = (program: Program) => started.get(program) ?? { startMs: [], rssMb: [] }
  const paired = (
    pick: (program: Program) => readonly number[],
    by: (one: number, other: number) => number,
  ): Spread => {
    const theirs = pick(fastify)
    return spreadOf(pick(ours).map((each, index) => by(each, theirs[index] ?? Number.NaN)))
  }
  return [
    ...programs.flatMap((program) => [
      { name: `start-up: ${program.name}`, unit: 'ms', spread: spreadOf(of(program).startMs) },
      { name: `memory after ${count} requests: ${program.name}`, unit: 'MB RSS', spread: spreadOf(of(program).rssMb) },
    ]),
    {
      name: 'start-up, Tenon / Fastify',
      unit: '×',
      spread: paired(
        (program) => of(program).startMs,
        (one, other) => one / other,
      ),
      target: 1.2,
    },
    {
      name: 'memory, Tenon − Fastify',
      unit: 'MB RSS',
      spread: paired(
        (program) => of(program).rssMb,
        (one, other) => one - other,
      ),
      target: 15,
    },
  ]
}
