import { type Program, ratioOf } from '../compare.ts'
import { compilePeers } from '../compile.ts'
import type { Figure } from '../figure.ts'
import { getById, type HttpRequest, validatedPost } from '../load/http-request.ts'
import { spreadOf } from '../statistic.ts'
import { tenonHttp as ours, toWorkload } from './http.ts'
import { measureLoad, measureProcess, measureRate, type Peers, type ProcessRounds, throughputRatioOf } from './peers.ts'

const fastify: Program = { name: 'Fastify', path: 'dist/server/fastify-http' }
const nest: Program = { name: 'NestJS 12 on Fastify', path: 'peer/dist/nest-http' }
const peers: Peers = [
  ours,
  { name: 'node:http', path: 'peer/dist/node-http' },
  fastify,
  { name: 'Hono', path: 'peer/dist/hono-http' },
  nest,
  { name: 'Moleculer', path: 'peer/dist/moleculer-http' },
]

/** Tenon's HTTP transport beside other servers, all in one run, all doing the same work. */
export async function measureHttpPeers(roundCount: number): Promise<readonly Figure[]> {
  await compilePeers()
  return [
    ...(await measureRequest(getById, roundCount)),
    ...(await measureRequest(validatedPost, roundCount)),
    ...(await measureRate(peers, toWorkload(validatedPost), roundCount)),
    ...(await measureProcesses(roundCount)),
  ]
}

async function measureRequest(request: HttpRequest, roundCount: number): Promise<readonly Figure[]> {
  const { figures, rounds } = await measureLoad(peers, toWorkload(request), roundCount)
  return [
    ...figures,
    {
      name: `${request.name}: CPU, Tenon / Fastify`,
      unit: '×',
      spread: ratioOf(rounds, peers.indexOf(fastify)),
      target: 1.15,
    },
    {
      name: `${request.name}: requests/s, NestJS / Tenon`,
      unit: '×',
      spread: throughputRatioOf(rounds, peers.indexOf(nest), peers.indexOf(ours)),
      ...(request === validatedPost && { target: 1 / 3 }),
    },
  ]
}

async function measureProcesses(roundCount: number): Promise<readonly Figure[]> {
  const { figures, of } = await measureProcess(peers, toWorkload(getById), roundCount)
  const paired = (pick: (rounds: ProcessRounds) => readonly number[], by: (one: number, other: number) => number) => {
    const theirs = pick(of(fastify))
    return spreadOf(pick(of(ours)).map((each, index) => by(each, theirs[index] ?? Number.NaN)))
  }
  const start = paired(
    ({ startMs }) => startMs,
    (one, other) => one / other,
  )
  const memory = paired(
    ({ rssMb }) => rssMb,
    (one, other) => one - other,
  )
  return [
    ...figures,
    { name: 'start-up, Tenon / Fastify', unit: '×', spread: start, target: 1.2 },
    { name: 'memory, Tenon − Fastify', unit: 'MB RSS', spread: memory, target: 15 },
  ]
}
