import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { GrpcSettings } from '../grpc-options.ts'
import { isCut } from './cut-session.ts'

/**
 * Ends the connections of sessions that are over, and that stay because their callers do not read. Node waits for ever until what
 * it has written is taken, also where a session was destroyed.
 *
 * @see lib/internal/http2/core.js of Node 24.21, closeSession
 */
export class UnreadSessions {
  /** When each was first found to be over. */
  readonly #overAt = new WeakMap<object, number>()
  readonly #longestReadMs: number

  constructor({ keepaliveIntervalMs, keepaliveTimeoutMs }: GrpcSettings) {
    this.#longestReadMs = keepaliveIntervalMs + keepaliveTimeoutMs
  }

  /**
   * Looks at a session. What is left of one that was cut has until the next look. One that was closed has its last answer before
   * it, which may be read slowly, but cannot be asked by pings any more: it gets the time that they would take.
   */
  look(session: Pick<Http2Session, 'closed' | 'destroyed'>, socket: Pick<Socket, 'destroy'>): void {
    if (!session.destroyed) return
    const now = performance.now()
    const overAt = this.#overAt.get(session)
    if (overAt === undefined) this.#overAt.set(session, now)
    else if (isCut(session) || now - overAt >= this.#longestReadMs) socket.destroy()
  }
}
