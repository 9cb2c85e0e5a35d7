import { createServer, type Http2Server } from 'node:http2'
import type { Socket } from 'node:net'
import { type Server, ServerCredentials } from '@grpc/grpc-js'
import type { GrpcSettings } from '../grpc-options.ts'
import { receiveCall, type ReceivingOptions } from './receive-call.ts'
import { Sessions } from '../session/sessions.ts'

/** An HTTP/2 server that listens nowhere. */
export interface InnerServer {
  /** Takes a connection that came in elsewhere. */
  readonly accept: (socket: Socket) => void
  readonly sessions: Sessions
}

export interface InnerServerOptions {
  readonly settings: GrpcSettings
  /** The service's name, as the origin of reasons. */
  readonly domain: string
  /** As `ReceivingOptions`. */
  readonly refuse: ReceivingOptions['refuse']
  /** Is told how many calls were ended because their request took too long. */
  readonly tellLate: (count: number) => void
}

/**
 * The HTTP/2 server below a server of grpc-js. grpc-js makes one of its own and hands it to nobody, so nobody could limit what a
 * session may do, or look at a request before it is a call. Here it hears of sessions and requests from a server of ours.
 *
 * @throws Error when grpc-js keeps its servers elsewhere than in the releases that are known.
 * @see grpc-js 1.14, server.ts, createHttp2Server and _setupHandlers
 */
export function createHttp2Server(
  grpc: Server,
  { settings, domain, refuse, tellLate }: InnerServerOptions,
): InnerServer {
  grpc.createConnectionInjector(ServerCredentials.createInsecure())
  const inner = innerServer(grpc)
  const sessions = new Sessions(settings, domain, tellLate)
  const server = createServer({
    // As grpc-js has them: what is sent is bounded where it is made, and beyond its memory a session refuses streams at random.
    maxSendHeaderBlockLength: Number.MAX_SAFE_INTEGER,
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    settings: { maxConcurrentStreams: settings.maxConcurrentStreams, maxHeaderListSize: settings.maxHeaderBytes },
    // Sessions count resets themselves: these would count those of calls that have been answered too.
    streamResetBurst: uncountedResets,
    streamResetRate: uncountedResets,
  })
  const begin = receiveCall({ ...settings, refuse }, (...request) => void inner.emit('stream', ...request))
  let arriving: Socket | undefined
  server.on('session', (session) => {
    if (arriving) sessions.enter(session, arriving)
    inner.emit('session', session)
  })
  server.on('stream', (stream, headers, flags) => {
    if (sessions.admits(stream, headers)) begin(stream, headers, flags)
  })
  const accept = (socket: Socket) => {
    // Its session begins while this is told, if it has any.
    arriving = socket
    server.emit('connection', socket)
    arriving = undefined
  }
  return { accept, sessions }
}

/** More than can come in a second. */
const uncountedResets = 1_000_000_000

function innerServer(grpc: Server): Http2Server {
  const servers: unknown = Reflect.get(grpc, 'http2Servers')
  const [inner] = servers instanceof Map ? servers.keys() : []
  if (isHttp2Server(inner)) return inner
  throw new Error('this release of @grpc/grpc-js keeps its HTTP/2 servers where they cannot be found; install 1.14')
}

function isHttp2Server(value: unknown): value is Http2Server {
  return typeof value === 'object' && value !== null && 'emit' in value && 'updateSettings' in value
}
