import { constants, type ServerHttp2Session } from 'node:http2'

/** The largest number of a stream: none is refused. @see RFC 9113 section 6.8 */
const lastStreamId = 2 ** 31 - 1

export interface Telling {
  readonly reason?: string
  /** How long the caller may take to say that it has heard. */
  readonly tellMs: number
}

/** Asks a caller to make new calls on another connection, and leaves this one to those it has, and to those on their way. */
export function leaveOpen(session: ServerHttp2Session, reason = ''): void {
  if (session.closed || session.destroyed) return
  session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId, Buffer.from(reason))
}

/**
 * Asks a caller to make new calls on another connection. Resolves when it has heard, so that its calls from before have all
 * arrived; then the session may be closed without losing one. Without
 * that, clients have to make some calls again, which some do only once.
 *
 * @see RFC 9113 section 6.8: GOAWAY with the largest number, a round trip, then the number of the last stream
 */
export async function withdrawSession(session: ServerHttp2Session, { reason = '', tellMs }: Telling): Promise<void> {
  if (session.closed || session.destroyed) return
  leaveOpen(session, reason)
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, tellMs)
  session.once('close', resolve)
  if (!session.ping(() => resolve())) resolve()
  await promise
  clearTimeout(timer)
  session.off('close', resolve)
}
