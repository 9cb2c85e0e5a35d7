import { Agent, get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

/** How many calls were answered, by what they came to. */
export interface Answered {
  readonly okCount: number
  readonly refusedCount: number
}

/** Calls that come at a rate, whatever becomes of those before them. */
export async function callAtRate(port: number, callsPerSecond: number, durationMs: number): Promise<Answered> {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionCount })
  const startedAt = performance.now()
  const calls: Promise<number>[] = []
  for (let now = startedAt; now - startedAt < durationMs; now = performance.now()) {
    while (calls.length < ((now - startedAt) / 1_000) * callsPerSecond) calls.push(statusOf(port, '/v1/work', agent))
    await wait(1)
  }
  const statuses = await Promise.all(calls)
  agent.destroy()
  const okCount = statuses.filter((status) => status === 200).length
  return { okCount, refusedCount: statuses.length - okCount }
}

/** Calls one after another on so many connections at a time; how many of them a second are done. */
export async function capacityOf(port: number, laneCount: number, durationMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: laneCount })
  const endsAtMs = performance.now() + durationMs
  let count = 0
  const lane = async () => {
    for (; performance.now() < endsAtMs; count += 1) await statusOf(port, '/v1/work', agent)
  }
  await Promise.all(Array.from({ length: laneCount }, lane))
  agent.destroy()
  return count / (durationMs / 1_000)
}

/** Asks for a probe at an interval, each time on a connection of its own as the kubelet does; how long each answer took. */
export async function probeEvery(at: { readonly port: number; readonly path: string }, durationMs: number) {
  const startedAt = performance.now()
  const latencies: Promise<number>[] = []
  while (performance.now() - startedAt < durationMs) {
    latencies.push(latencyOf(at.port, at.path))
    await wait(probeIntervalMs)
  }
  return Promise.all(latencies)
}

async function latencyOf(port: number, path: string): Promise<number> {
  const startedAt = performance.now()
  const status = await statusOf(port, path, false)
  // What is not answered at all is later than any target.
  return status === 200 ? performance.now() - startedAt : Number.POSITIVE_INFINITY
}

/** 0 where nothing answers. */
function statusOf(port: number, path: string, agent: Agent | false): Promise<number> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path, agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', () => resolve(0))
  })
}

const connectionCount = 150
/** More often than any platform; seldom enough to be no load of its own. */
const probeIntervalMs = 200
