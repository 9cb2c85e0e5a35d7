import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ProbeLatencies, ProbeTask } from './prober.ts'

/** How many calls were answered, by what they came to. */
export interface Answered {
  readonly okCount: number
  readonly refusedCount: number
}

/**
 * The connections of callers, open: a loop that is busy accepts one a turn, so that 150 that are opened at once hold up a probe on
 * their port for as many turns.
 */
export async function openConnections(port: number): Promise<Agent> {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionCount })
  await Promise.all(Array.from({ length: connectionCount }, () => statusOf(port, '/v1/work', agent)))
  return agent
}

/** Where calls go, and on which connections. */
export interface Callers {
  readonly port: number
  readonly agent: Agent
}

/** Calls that come at a rate, whatever becomes of those before them. Closes the connections. */
export async function callAtRate(
  { port, agent }: Callers,
  callsPerSecond: number,
  durationMs: number,
): Promise<Answered> {
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

/** Asks for probes from a process of its own; how long each answer took, place by place. */
export async function probe(task: ProbeTask): Promise<readonly (readonly number[])[]> {
  const prober = fork(fileURLToPath(new URL('prober.ts', import.meta.url)))
  prober.send(task)
  try {
    const [latencies] = (await Promise.race([once(prober, 'message'), ended(prober)])) as [ProbeLatencies]
    return latencies.map((ofPlace) => ofPlace.map((one) => (one === 'never' ? Number.POSITIVE_INFINITY : one)))
  } finally {
    prober.kill()
  }
}

async function ended(prober: ChildProcess): Promise<never> {
  await once(prober, 'exit')
  throw new Error('the process that asks for probes has ended')
}

/** 0 where nothing answers. */
function statusOf(port: number, path: string, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path, agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', () => resolve(0))
  })
}

const connectionCount = 150
