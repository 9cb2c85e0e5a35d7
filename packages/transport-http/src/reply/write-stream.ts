import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type JsonWriter, type Logger, ServiceError, type Success, toServiceError } from '@tenon/core/transport'
import type { FastifyReply } from 'fastify'
import { acceptRatio } from './accept.ts'
import { type Problem, toProblem } from './problem.ts'
import { rawPath } from '../route/route-table.ts'
import { setHeaders } from './write-reply.ts'

/** How the items of a stream stand on the wire. */
interface StreamForm {
  readonly contentType: string
  item(json: string): string
  problem(value: Problem): string
}

/** One JSON text a line; a stream that failed ends with a line that holds nothing but the problem. */
const ndjson: StreamForm = {
  contentType: 'application/x-ndjson; charset=utf-8',
  item: (json) => `${json}\n`,
  problem: (value) => `${JSON.stringify({ error: value })}\n`,
}

/** @see HTML Standard section 9.2, server-sent events */
const eventStream: StreamForm = {
  contentType: 'text/event-stream; charset=utf-8',
  item: (json) => `data: ${json}\n\n`,
  problem: (value) => `event: error\ndata: ${JSON.stringify(value)}\n\n`,
}

export interface StreamReply {
  /** Its value is an `AsyncIterable`. */
  readonly success: Success
  readonly status: number
  readonly writeJson: JsonWriter
  readonly log: Logger
}

/**
 * Writes items as they come, no faster than the caller reads. The head is sent at once, so that a caller sees the stream
 * open before its first item; what fails from there on is told in the last record.
 */
export async function writeStream(
  reply: FastifyReply,
  { success, status, writeJson, log }: StreamReply,
): Promise<void> {
  const form = formFor(reply.request.headers.accept)
  const instance = rawPath(reply.request.url)
  const out = reply.raw
  const items = success.value as AsyncIterable<unknown>
  const iterator = items[Symbol.asyncIterator]()
  const records = new RecordWriter(out)
  const release = () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  out.once('close', release)
  try {
    const isWanted = !out.destroyed && reply.request.method !== 'HEAD'
    // Begun before the head is sent, which takes along the headers that the handler sets at its beginning.
    const first = isWanted ? iterator.next() : undefined
    first?.catch(ignore)
    writeHead(reply, { headers: success.headers, status, form })
    if (first === undefined) return release()
    await writeItems(records, { first, iterator }, (item) => form.item(writeJson(item)))
  } catch (thrown) {
    if (!ServiceError.is(thrown)) release()
    if (!out.headersSent) throw thrown
    if (!ServiceError.is(thrown)) log.error({ err: thrown, url: instance }, 'an item of a stream could not be written')
    const { callId } = success
    records.add(form.problem(toProblem(toServiceError(thrown), { instance, callId })))
  } finally {
    out.off('close', release)
    records.flush()
    if (out.headersSent) out.end()
  }
}

/** Lines, unless the caller names events, and likes them no less. */
function formFor(accept: string | undefined): StreamForm {
  // Whoever takes anything gets lines: only a browser's EventSource needs events, and it names them.
  if (accept === undefined || !/text\/event-stream/i.test(accept)) return ndjson
  const events = acceptRatio(accept, 'text/event-stream') ?? 0
  return events > 0 && events >= (acceptRatio(accept, 'application/x-ndjson') ?? 0) ? eventStream : ndjson
}

function writeHead(
  reply: FastifyReply,
  { headers, status, form }: Pick<Success, 'headers'> & { readonly status: number; readonly form: StreamForm },
): void {
  setHeaders(reply, headers)
  // A proxy that gathers or keeps a stream turns it into one late reply; nginx asks for a header of its own.
  reply.headers({ 'content-type': form.contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.hijack()
  reply.raw.statusCode = status
  reply.raw.flushHeaders()
}

/** Steps of which the first has begun. */
interface BegunSteps {
  readonly first: Promise<IteratorResult<unknown>>
  readonly iterator: AsyncIterator<unknown>
}

async function writeItems(
  records: RecordWriter,
  { first, iterator }: BegunSteps,
  toText: (item: unknown) => string,
): Promise<void> {
  for (let step = await first; step.done !== true && !records.isClosed; step = await iterator.next()) {
    records.add(toText(step.value))
    if (records.isFull) await records.drained()
  }
}

/** Characters that are written at once. A guess: a few network packets. */
const batchCharacters = 16_384

/** Writes records that come without a pause together: a write of its own for each costs several times its bytes. */
class RecordWriter {
  readonly #out: ServerResponse
  #batch = ''
  #isScheduled = false

  constructor(out: ServerResponse) {
    this.#out = out
  }

  get isClosed(): boolean {
    return this.#out.destroyed
  }

  /** Whether the caller has to read on first. */
  get isFull(): boolean {
    return this.#out.writableNeedDrain
  }

  add(record: string): void {
    this.#batch += record
    if (this.#batch.length >= batchCharacters) return this.flush()
    if (this.#isScheduled) return
    this.#isScheduled = true
    // Runs as soon as nothing more comes at once.
    process.nextTick(() => {
      this.#isScheduled = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#batch === '') return
    const batch = this.#batch
    this.#batch = ''
    if (!this.#out.destroyed && !this.#out.writableEnded) this.#out.write(batch)
  }

  drained(): Promise<void> {
    return writable(this.#out)
  }
}

/** Resolves when the caller has read on, or is gone. */
async function writable(out: ServerResponse): Promise<void> {
  const settled = new AbortController()
  try {
    await Promise.race([once(out, 'drain', { signal: settled.signal }), once(out, 'close', { signal: settled.signal })])
  } finally {
    settled.abort()
  }
}

function ignore(): void {}
