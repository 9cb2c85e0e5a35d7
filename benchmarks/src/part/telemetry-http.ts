import { measureServers, type Program, type Round } from '../compare.ts'
import type { Figure } from '../figure.ts'
import { getById } from '../load/http-request.ts'
import { spreadOf } from '../statistic.ts'
import { tenonHttp, toWorkload } from './http.ts'

const others: readonly Program[] = [
  { name: 'Tenon with an SDK', path: 'dist/server/tenon-http-sdk' },
  { name: 'Fastify', path: 'dist/server/fastify-http' },
  { name: 'Fastify with @fastify/otel', path: 'dist/server/fastify-http-sdk' },
  {
    name: 'Tenon with an SDK for spans alone',
    path: 'dist/server/tenon-http-sdk',
    environment: { BENCH_METRICS: 'none' },
  },
]
const programs = [tenonHttp, ...others]

/**
 * What a request pays for an SDK, in a process that serves nothing else: Tenon's with spans (1 %) and metrics, and with spans alone; Fastify's
 * with spans (1 %) by @fastify/otel, which makes no metrics.
 */
export async function measureTelemetryOverHttp(roundCount: number): Promise<readonly Figure[]> {
  const workload = toWorkload(getById)
  const rounds = await measureServers({ ours: tenonHttp, others, roundCount, workload })
  const figure = (name: string, unit: string, valueOf: (cpuOf: (program: number) => number) => number): Figure => ({
    name: `telemetry over HTTP, ${name}`,
    unit,
    spread: spreadOf(rounds.map((round) => valueOf((program) => cpuIn(round, program)))),
  })
  return [
    { ...figure('Tenon above Tenon without', 'µs CPU/request', (cpu) => cpu(1) - cpu(0)), target: 8 },
    figure('Tenon above Tenon without, spans alone', 'µs CPU/request', (cpu) => cpu(4) - cpu(0)),
    figure('@fastify/otel above Fastify without', 'µs CPU/request', (cpu) => cpu(3) - cpu(2)),
    figure('Tenon / Tenon without', '×', (cpu) => cpu(1) / cpu(0)),
    figure('Tenon / Tenon without, spans alone', '×', (cpu) => cpu(4) / cpu(0)),
    figure('@fastify/otel / Fastify without', '×', (cpu) => cpu(3) / cpu(2)),
    ...programs.map(({ name }, index) => figure(name, 'µs CPU/request', (cpu) => cpu(index))),
  ]
}

function cpuIn(round: Round, program: number): number {
  return round[program]?.cpuMicroseconds ?? Number.NaN
}
