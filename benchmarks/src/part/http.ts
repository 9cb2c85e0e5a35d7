import { compareServers } from '../compare.ts'
import { loadHttp } from '../load/http-load.ts'
import type { Figure } from '../report.ts'

const order = JSON.stringify({
  userId: 'u1',
  items: [
    { sku: 'tea', quantity: 2, unitPriceCents: 1050 },
    { sku: 'cup', quantity: 1, unitPriceCents: 300 },
    { sku: 'pot', quantity: 7, unitPriceCents: 99 },
  ],
})
const get = 'GET /users/u42 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
const post = `POST /orders HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${order.length}\r\n\r\n${order}`

/** Tenon's HTTP transport against raw Fastify that validates and serialises the same. */
export async function measureHttp(roundCount: number): Promise<readonly Figure[]> {
  const servers = { ours: 'server/tenon-http', theirs: 'server/fastify-http', theirName: 'Fastify', roundCount }
  const workload = (name: string, request: string, expectedStatus: number) => ({
    name,
    target: 1.25,
    count: 20_000,
    send: (port: number, requestCount: number) => loadHttp({ port, requestCount, request, expectedStatus }),
  })
  return [
    ...(await compareServers({ ...servers, workload: workload('HTTP GET with a path parameter', get, 200) })),
    ...(await compareServers({ ...servers, workload: workload('HTTP POST, validated, nested items', post, 201) })),
  ]
}
