import { compareServers, type Program, type Workload } from '../compare.ts'
import { httpLanes } from '../load/http-load.ts'
import { getById, type HttpRequest, validatedPost } from '../load/http-request.ts'
import type { Figure } from '../figure.ts'

export const tenonHttp: Program = { name: 'Tenon', path: 'dist/server/tenon-http' }
const others: readonly Program[] = [{ name: 'Fastify', path: 'dist/server/fastify-http', target: 1.15 }]

/** Tenon's HTTP transport against raw Fastify that validates and serialises the same. */
export async function measureHttp(roundCount: number): Promise<readonly Figure[]> {
  return [
    ...(await compareServers({ ours: tenonHttp, others, roundCount, workload: toWorkload(getById) })),
    ...(await compareServers({ ours: tenonHttp, others, roundCount, workload: toWorkload(validatedPost) })),
  ]
}

/** As many requests as the connections take, one at a time on each. */
export function toWorkload(request: HttpRequest): Workload {
  return { name: request.name, count: 20_000, open: httpLanes(request) }
}
