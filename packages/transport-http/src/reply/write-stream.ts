import { type Logger, ServiceError, type Success, toServiceError } from '@tenon/core/transport'
import type { FastifyReply } from 'fastify'
import { rawPath } from '../route/route-table.ts'
import { toProblem } from './problem.ts'
import { RecordWriter } from './record-writer.ts'
import { addTrailers } from './reply-trailers.ts'
import { sendHead } from './send-head.ts'
import type { ChooseForm, StreamForm } from './stream-form.ts'
import { setHeaders } from './write-reply.ts'

export interface StreamReply {
  /** Its value is an `AsyncIterable`. */
  readonly success: Success
  readonly status: number
  readonly chooseForm: ChooseForm
  /** After how long a silence a sign of life is sent; 0 for never. */
  readonly heartbeatMs: number
  readonly log: Logger
}

/**
 * Writes items as they come, no faster than the caller reads. The head is sent at once, so that a caller sees the stream
 * open before its first item; what fails from there on is told in the last record.
 */
export async function writeStream(
  reply: FastifyReply,
  { success, status, chooseForm, heartbeatMs, log }: StreamReply,
): Promise<void> {
  const form = chooseForm(reply.request.headers.accept)
  const instance = rawPath(reply.request.url)
  const out = reply.raw
  const items = success.value as AsyncIterable<unknown>
  const iterator = items[Symbol.asyncIterator]()
  const records = new RecordWriter(out, { text: form.heartbeat, afterMs: heartbeatMs })
  const release = () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  out.once('close', release)
  try {
    const isWanted = !out.destroyed && reply.request.method !== 'HEAD'
    // Begun before the head is sent, which takes along the headers that the handler sets at its beginning.
    const first = isWanted ? iterator.next() : undefined
    first?.catch(ignore)
    writeHead(reply, { headers: success.headers, status, form })
    if (first === undefined) return release()
    records.start(form.beginning)
    await writeItems(records, { first, iterator }, form)
  } catch (thrown) {
    if (!ServiceError.is(thrown)) release()
    if (!out.headersSent) throw thrown
    if (!ServiceError.is(thrown)) log.error({ err: thrown, url: instance }, 'an item of a stream could not be written')
    const { callId } = success
    records.add(form.problem(toProblem(toServiceError(thrown), { instance, callId })))
  } finally {
    out.off('close', release)
    records.end()
    if (out.headersSent) {
      addTrailers(reply, success.trailers)
      out.end()
    }
  }
}

function writeHead(
  reply: FastifyReply,
  { headers, status, form }: Pick<Success, 'headers'> & { readonly status: number; readonly form: StreamForm },
): void {
  setHeaders(reply, headers)
  // A proxy that gathers or keeps a stream turns it into one late reply; nginx asks for a header of its own.
  reply.headers({ 'content-type': form.contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  sendHead(reply, status)
}

/** Steps of which the first has begun. */
interface BegunSteps {
  readonly first: Promise<IteratorResult<unknown>>
  readonly iterator: AsyncIterator<unknown>
}

async function writeItems(records: RecordWriter, { first, iterator }: BegunSteps, form: StreamForm): Promise<void> {
  for (let step = await first; step.done !== true && !records.isClosed; step = await iterator.next()) {
    records.add(form.item(step.value))
    if (records.isFull) await records.drained()
  }
}

function ignore(): void {}
