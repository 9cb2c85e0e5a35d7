import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { credentials, Client, Metadata, status } from '@grpc/grpc-js'

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
  /** How long after it was due it was sent: more than some ms tell that whoever makes the load could not keep up. */
  readonly sentLateMs: number
  readonly end: CallEnd
}

/** What became of a call; `refused` is the service's word that it has too much to do. */
export type CallEnd = 'ok' | 'refused' | 'failed'

/** Makes one kind of call. */
export interface MarkedCaller {
  /** Never rejects. */
  call(mark: Mark): Promise<CallEnd>
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
    while (performance.now() < endsAtMs) if ((await caller.call(mark)) === 'ok') count += 1
  }
  await Promise.all(Array.from({ length: laneCount }, lane))
  return count / (durationMs / 1_000)
}

async function made(
  caller: MarkedCaller,
  mark: Mark,
  { dueMs, startedAt }: { readonly dueMs: number; readonly startedAt: number },
): Promise<MarkedCall> {
  const sentLateMs = performance.now() - startedAt - dueMs
  const end = await caller.call(mark)
  return { ...mark, dueMs, sentLateMs, end, tookMs: performance.now() - startedAt - dueMs }
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
          response.once('end', () => resolve(httpEnd(response.statusCode)))
        })
        asked.once('error', () => resolve('failed'))
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
        client.makeUnaryRequest(path, same, same, empty, metadata, (error) => resolve(grpcEnd(error?.code))),
      )
    },
    close: () => client.close(),
  }
}

function httpEnd(statusCode: number | undefined): CallEnd {
  if (statusCode === 200) return 'ok'
  return statusCode === 429 ? 'refused' : 'failed'
}

function grpcEnd(code: status | undefined): CallEnd {
  if (code === undefined) return 'ok'
  return code === status.RESOURCE_EXHAUSTED ? 'refused' : 'failed'
}

/** As many as a loaded proxy has. A guess. */
const connectionCount = 300

/** Enough to keep one thread busy, and no overload. A guess. */
const laneCount = 16
