import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { credentials, Client, Metadata } from '@grpc/grpc-js'

/** How a call is marked, for a server that tells calls apart. */
export interface Mark {
  readonly criticality: string
  readonly tenant: string
}

/** A call that was made. */
export interface MarkedCall extends Mark {
  /** When it was due, after the first, and how long its answer took from then on. */
  readonly dueMs: number
  readonly tookMs: number
  readonly isOk: boolean
}

/** Makes one kind of call. */
export interface MarkedCaller {
  /** Whether it succeeded. Never rejects. */
  call(mark: Mark): Promise<boolean>
  close(): void
}

/** Calls that come at a rate, whatever becomes of those before them; their marks come round again and again. */
export async function callMarked(
  caller: MarkedCaller,
  marks: readonly Mark[],
  { callsPerSecond, durationMs }: { readonly callsPerSecond: number; readonly durationMs: number },
): Promise<readonly MarkedCall[]> {
  const startedAt = performance.now()
  const calls: Promise<MarkedCall>[] = []
  for (let now = startedAt; now - startedAt < durationMs; now = performance.now()) {
    while (calls.length < ((now - startedAt) / 1_000) * callsPerSecond) {
      const dueMs = (calls.length / callsPerSecond) * 1_000
      const mark = marks[calls.length % marks.length]
      if (mark === undefined) throw new RangeError('expected at least one mark')
      calls.push(made(caller, mark, { dueMs, startedAt }))
    }
    await wait(1)
  }
  return Promise.all(calls)
}

/** How many calls a second are done, so many at a time. */
export async function markedCapacity(caller: MarkedCaller, mark: Mark, durationMs: number): Promise<number> {
  const endsAtMs = performance.now() + durationMs
  let count = 0
  const lane = async () => {
    while (performance.now() < endsAtMs) if (await caller.call(mark)) count += 1
  }
  await Promise.all(Array.from({ length: laneCount }, lane))
  return count / (durationMs / 1_000)
}

async function made(
  caller: MarkedCaller,
  mark: Mark,
  { dueMs, startedAt }: { readonly dueMs: number; readonly startedAt: number },
): Promise<MarkedCall> {
  const isOk = await caller.call(mark)
  return { ...mark, dueMs, tookMs: performance.now() - startedAt - dueMs, isOk }
}

/** Over HTTP, on connections that are open already: a busy loop accepts few of them in a turn. */
export async function httpCaller(port: number, path: string): Promise<MarkedCaller> {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionCount })
  const caller: MarkedCaller = {
    call: ({ criticality, tenant }) => {
      const headers = { 'x-criticality': criticality, 'x-tenant-id': tenant }
      return new Promise((resolve) => {
        const asked = request({ host: '127.0.0.1', port, path, agent, headers }, (response) => {
          response.resume()
          response.once('end', () => resolve(response.statusCode === 200))
        })
        asked.once('error', () => resolve(false))
        asked.end()
      })
    },
    close: () => agent.destroy(),
  }
  await Promise.all(Array.from({ length: connectionCount }, () => caller.call({ criticality: '', tenant: '' })))
  return caller
}

/** Over gRPC, a method whose input and output may be empty messages. */
export function grpcCaller(port: number, path: string): MarkedCaller {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const same = (bytes: Buffer) => bytes
  const empty = Buffer.alloc(0)
  return {
    call: ({ criticality, tenant }) => {
      const metadata = new Metadata()
      metadata.set('x-criticality', criticality)
      metadata.set('x-tenant-id', tenant)
      return new Promise((resolve) =>
        client.makeUnaryRequest(path, same, same, empty, metadata, (error) => resolve(error === null)),
      )
    },
    close: () => client.close(),
  }
}

/** As many as a loaded proxy has. A guess. */
const connectionCount = 300

/** Enough to keep one thread busy, and no overload. A guess. */
const laneCount = 16
