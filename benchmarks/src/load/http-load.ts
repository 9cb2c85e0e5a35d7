import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface HttpLoad {
  readonly port: number
  readonly requestCount: number
  /** The whole request, head and body. */
  readonly request: string
  readonly expectedStatus: number
}

const connectionCount = 32

/** Sends the same request over keep-alive connections, one at a time on each. Plain sockets: a client library costs more than the server. */
export async function loadHttp({ port, requestCount, request, expectedStatus }: HttpLoad): Promise<void> {
  const bytes = Buffer.from(request)
  const expected = `HTTP/1.1 ${expectedStatus} `
  let left = requestCount
  const run = async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    try {
      while (left > 0) {
        left--
        socket.write(bytes)
        await readReply(socket, expected)
      }
    } finally {
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: connectionCount }, run))
}

/** Reads one reply that has a content length. */
function readReply(socket: Socket, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = ''
    const settle = (error?: Error) => {
      socket.off('data', read).off('close', closed).off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    const closed = () => settle(new Error('the server closed the connection'))
    const read = (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const head = received.indexOf('\r\n\r\n')
      if (head < 0) return
      if (!received.startsWith(expected)) return settle(new Error(`expected ${expected}, found ${received}`))
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1])
      if (received.length >= head + 4 + length) settle()
    }
    socket.on('data', read).on('close', closed).on('error', settle)
  })
}
