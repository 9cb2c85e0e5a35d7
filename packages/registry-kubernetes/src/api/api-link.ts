import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { callbackify } from 'node:util'
import type { buildConnector, Pool } from 'undici'
import type { ClusterAccess } from '../access/cluster-access.ts'

/** How a connection is found out on which nothing arrives any more. */
export interface Pulse {
  /** How often the server is asked for a sign of life, by a PING frame of HTTP/2. */
  readonly pingMs: number
  /** How often is looked whether something came. */
  readonly lookMs: number
  /** A connection on which nothing was found to have come this many times in a row is cut. */
  readonly silentLooks: number
}

/** Guesses: noticed within 8 s, for one PING of 17 bytes every three seconds. */
const defaultPulse: Pulse = { pingMs: 3_000, lookMs: 1_000, silentLooks: 7 }

export interface LinkReply {
  readonly status: number
  readonly retryAfterMs: number | undefined
  readonly body: AsyncIterable<Uint8Array>
}

export interface LinkRequest {
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly signal: AbortSignal
}

/** Connections to an API server: with HTTP/2, one for everything. */
export interface ApiLink {
  readonly origin: string
  readonly namespace: string
  get(path: string, request: LinkRequest): Promise<LinkReply>
  close(): Promise<void>
}

/** Loads undici, which nobody needs before. */
export async function openLink(access: ClusterAccess, pulse = defaultPulse): Promise<ApiLink> {
  const undici = await import('undici')
  const connect = guardedConnect(undici.buildConnector, access, pulse)
  const pool: Pool = new undici.Pool(access.origin, {
    connect,
    allowH2: true,
    h2Options: { pingInterval: pulse.pingMs },
  })
  return {
    origin: access.origin,
    namespace: access.namespace,
    close: () => pool.destroy(),
    async get(path, { headersTimeoutMs, bodyTimeoutMs, signal }) {
      const token = await access.token()
      const reply = await pool.request({
        method: 'GET',
        path: `${access.basePath}${path}`,
        headers: {
          accept: 'application/json',
          'user-agent': 'tenon-registry-kubernetes',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        headersTimeout: headersTimeoutMs,
        bodyTimeout: bodyTimeoutMs,
        signal,
      })
      return { status: reply.statusCode, retryAfterMs: toRetryAfterMs(reply.headers['retry-after']), body: reply.body }
    },
  }
}

/** Certificates are read for each connection, for they are replaced. */
function guardedConnect(build: typeof buildConnector, access: ClusterAccess, pulse: Pulse): buildConnector.connector {
  const connect = callbackify(async (options: buildConnector.Options): Promise<Socket> => {
    const connector = build({
      ...(await access.tls()),
      allowH2: true,
      preferH2: true,
      timeout: connectTimeoutMs,
      keepAliveInitialDelay: keepAliveMs,
    })
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()
    connector(options, (error, socket) => (error ? reject(error) : resolve(socket)))
    const socket = await promise
    guard(socket, pulse)
    return socket
  })
  return (options, callback) =>
    connect(options, (error, socket) => (error ? callback(error, null) : callback(null, socket)))
}

/**
 * Cuts a connection on which not even answers to PINGs come. Looks are counted, not time, so that a process which stood still is not taken
 * for a dead server. HTTP/1.1 has no PING: there the kernel's keep-alive has to do.
 */
function guard(socket: Socket | TLSSocket, { lookMs, silentLooks }: Pulse): void {
  if (!('alpnProtocol' in socket) || socket.alpnProtocol !== 'h2') return
  let heardBytes = socket.bytesRead
  let silentCount = 0
  const look = () => {
    silentCount = socket.bytesRead === heardBytes ? silentCount + 1 : 0
    heardBytes = socket.bytesRead
    if (silentCount >= silentLooks)
      socket.destroy(
        new Error(
          `nothing has come for ${(silentLooks * lookMs) / 1_000} s, though the server was asked for a sign of life`,
        ),
      )
  }
  const timer = setInterval(look, lookMs).unref()
  socket.once('close', () => clearInterval(timer))
}

/** A guess. */
const connectTimeoutMs = 5_000

/** With ten probes a second apart, as libuv sets them, a peer that is gone is noticed after 15 s. @see libuv, uv_tcp_keepalive */
const keepAliveMs = 5_000

/** Whole seconds; a date, which API servers do not send, is not heeded. @see RFC 9110 section 10.2.3 */
function toRetryAfterMs(header: string | readonly string[] | undefined): number | undefined {
  const seconds = Number(header)
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}
