import type { Http2Session, ServerHttp2Session } from 'node:http2'

/** Ends a session without waiting for its calls, nor for a caller that does not read what is left. */
export function cutSession(session: ServerHttp2Session): void {
  markCut(session)
  session.destroy()
}

/** The session is ended by others in the way of `cutSession`. */
export function markCut(session: Http2Session): void {
  cut.add(session)
}

/** Whether nobody waits for what is left, in a session that is over: it was not closed behind its last answer. */
export function isCut(session: Pick<Http2Session, 'closed'>): boolean {
  return !session.closed || cut.has(session)
}

const cut = new WeakSet<object>()
