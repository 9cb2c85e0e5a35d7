import type { RawOutputStream } from '@tenon/core/contract'
import { type Logger, ServiceError, type Success } from '@tenon/core/transport'
import type { FastifyReply } from 'fastify'
import { rawPath } from '../route/route-table.ts'
import { type DownloadPlan, planDownload } from './download-plan.ts'
import { addTrailers } from './reply-trailers.ts'
import { cutReply, sendHead, writable } from './send-head.ts'
import { setHeaders, writeFailure } from './write-reply.ts'

export interface DownloadReply {
  /** Its value is an `AsyncIterable`. */
  readonly success: Success
  readonly status: number
  readonly raw: RawOutputStream
  readonly log: Logger
}

/**
 * Writes a stream of bytes as the body of a reply, no faster than the caller reads. The head waits for the first piece: until
 * then the handler may set headers, or fail with a reply of its own. What fails later cuts the connection, for bytes have no
 * record that could tell of it.
 */
export async function writeDownload(reply: FastifyReply, { success, status, raw, log }: DownloadReply): Promise<void> {
  const out = reply.raw
  const iterator = (success.value as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  const release = () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  out.once('close', release)
  try {
    const first = await iterator.next()
    const { method, headers } = reply.request
    const plan = planDownload({ method, headers }, success.headers ?? {}, status)
    if ('error' in plan) {
      release()
      return writeFailure(reply, { ...plan, callId: success.callId })
    }
    writeHead(reply, { plan, success, mediaType: raw.mediaType })
    if (out.destroyed || method === 'HEAD') release()
    else await writePieces(reply, { plan, raw, first, iterator, release })
    addTrailers(reply, success.trailers)
    out.end()
  } catch (thrown) {
    if (!ServiceError.is(thrown)) release()
    if (!out.headersSent) return writeEarlyFailure(reply, thrown, success)
    const url = rawPath(reply.request.url)
    if (!ServiceError.is(thrown)) log.error({ err: thrown, url }, 'a download could not be written')
    cutReply(out)
  } finally {
    out.off('close', release)
  }
}

/** A handler that fails before its first piece is answered as one that gives a value. */
function writeEarlyFailure(reply: FastifyReply, thrown: unknown, { headers, trailers, callId }: Success): void {
  if (!ServiceError.is(thrown)) throw thrown
  writeFailure(reply, { error: thrown, callId, headers, trailers })
}

interface DownloadHead {
  readonly plan: DownloadPlan
  readonly success: Success
  readonly mediaType: string
}

function writeHead(reply: FastifyReply, { plan, success, mediaType }: DownloadHead): void {
  const { status, lengthBytes, headers } = plan
  setHeaders(reply, success.headers)
  reply.headers(headers)
  if (!reply.hasHeader('content-type')) reply.header('content-type', mediaType)
  if (lengthBytes !== undefined) reply.header('content-length', String(lengthBytes))
  sendHead(reply, status)
}

interface Pieces {
  readonly plan: DownloadPlan
  readonly raw: RawOutputStream
  readonly first: IteratorResult<unknown>
  readonly iterator: AsyncIterator<unknown>
  readonly release: () => void
}

async function writePieces(reply: FastifyReply, { plan, raw, first, iterator, release }: Pieces): Promise<void> {
  const out = reply.raw
  const { isCutShort, skippedBytes, lengthBytes = Number.POSITIVE_INFINITY } = plan
  let leftBytes = lengthBytes
  let skipBytes = skippedBytes
  for (let step = first; step.done !== true; step = await iterator.next()) {
    // A handler that is to give no more is asked once more, so that it comes to its own end.
    if (leftBytes === 0 || out.destroyed) return release()
    const piece = toBytes(step.value, raw)
    const wanted = piece.subarray(skipBytes, skipBytes + leftBytes)
    skipBytes = Math.max(0, skipBytes - piece.length)
    leftBytes -= wanted.length
    if (wanted.length > 0 && !out.write(wanted)) await writable(out)
    if (leftBytes === 0 && isCutShort) return release()
  }
  if (leftBytes > 0 && leftBytes !== Number.POSITIVE_INFINITY)
    throw new Error(`the download ended ${leftBytes} bytes before the size it was said to have`)
}

function toBytes(item: unknown, { name }: RawOutputStream): Uint8Array {
  const bytes: unknown = name === undefined ? item : Reflect.get(Object(item) as object, name)
  if (bytes instanceof Uint8Array) return bytes
  if (bytes === undefined && name !== undefined) return new Uint8Array()
  throw new TypeError('expected bytes')
}
