import { constants, type ServerHttp2Session } from 'node:http2'

/**
 * Asks an HTTP/2 caller to make new calls on another connection, while those that it has here are served. Resolves when it has been told
 * which these are: calls that it sent before it had heard are refused, and may be made again without harm. A caller that does not read is told
 * as soon as it does.
 *
 * After a GOAWAY, Node drops what the caller begins without an answer, whatever number the frame names. So the first one, that names the
 * largest, only ends the taking of calls: the number of the last that was taken is certain after it, and a caller who is not told that number waits for
 * the rest until the connection ends.
 *
 * @param tellMs How long the caller may take to say that it has heard, in milliseconds.
 * @param reason Debug data for people.
 * @see RFC 9113 section 6.8; nghttp2, session_allow_incoming_new_stream
 */
export async function withdrawSession(session: ServerHttp2Session, tellMs: number, reason = ''): Promise<void> {
  if (session.closed || session.destroyed) return
  const debugData = Buffer.from(reason)
  session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId, debugData)
  await untilHeard(session, tellMs)
  nameLast(session, debugData)
}

/** Calls may be taken until the first GOAWAY has left, so that the number is certain only then. */
function nameLast(session: ServerHttp2Session, debugData: Buffer): void {
  if (session.closed || session.destroyed) return
  if (session.state.outboundQueueSize === 0)
    return session.goaway(constants.NGHTTP2_NO_ERROR, lastTakenStream, debugData)
  setTimeout(() => nameLast(session, debugData), lookMs).unref()
}

/** The largest number of a stream: none is refused. */
const lastStreamId = 2 ** 31 - 1

/** Node puts the number of the last stream that was taken in its place. */
const lastTakenStream = 0

/** Node stops to read a session that was asked to end and has no call, so that an idle caller is never heard. */
async function untilHeard(session: ServerHttp2Session, tellMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, tellMs)
  session.once('close', resolve)
  if (!session.ping(() => resolve())) resolve()
  await promise
  clearTimeout(timer)
  session.off('close', resolve)
}

/** How often is looked whether a caller reads again. A guess. */
const lookMs = 100
