import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * How long a caller may go on sending after it was answered.
 *
 * @see nginx, lingering_timeout: 5 s
 */
export const lingerMs = 5_000

/**
 * Reads on when a request is answered before it has come, for a while: a connection that is closed with bytes unread is reset,
 * and its caller may lose the answer. One that does not stop is cut.
 *
 * @see RFC 9112 section 9.6
 */
export function lingerAfter(reply: ServerResponse, request: IncomingMessage): void {
  const { headers } = request
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
  reply.once('prefinish', () => {
    if (!request.complete && !request.destroyed) linger(request)
  })
}

/** Cuts a connection whose caller has not closed it a while after it was answered, unless the function returned is called before. */
export function cutAfterLinger(socket: Socket): () => void {
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  const stop = () => {
    clearTimeout(timer)
    // A connection that is kept may see many callers linger.
    socket.off('close', stop)
  }
  socket.once('close', stop)
  return stop
}

function linger(request: IncomingMessage): void {
  const { socket } = request
  const { destroySoon } = socket
  // What Node calls when the reply is out and the connection is not to be kept. It would read no more.
  socket.destroySoon = () => socket.end()
  const stop = cutAfterLinger(socket)
  request.once('close', () => {
    stop()
    socket.destroySoon = destroySoon
    if (socket.writableEnded) socket.destroySoon()
  })
  request.resume()
}
