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

/**
 * Sends the same request over keep-alive connections, one at a time on each. It must cost less than any server: where the
 * load is the slower side, the server waits, and its CPU per request grows by what sleeping and waking cost. So these are plain
 * sockets, and of a reply only the status and the length are looked at, which are the same every time.
 */
export async function loadHttp({ port, requestCount, request, expectedStatus }: HttpLoad): Promise<void> {
  const bytes = Buffer.from(request)
  const expected = `HTTP/1.1 ${expectedStatus} `
  let left = requestCount
  const isMore = () => left-- > 0
  const run = async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    try {
      await exchange(socket, { bytes, expected, isMore })
    } finally {
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: connectionCount }, run))
}

interface Exchange {
  readonly bytes: Buffer
  /** How every reply begins. */
  readonly expected: string
  readonly isMore: () => boolean
}

/** Sends a request after each reply, until no more are wanted. */
function exchange(socket: Socket, { bytes, expected, isMore }: Exchange): Promise<void> {
  return new Promise((resolve, reject) => {
    let replyLength: number | undefined
    let received = 0
    const next = () => {
      received = 0
      if (isMore()) socket.write(bytes)
      else resolve()
    }
    socket.on('close', () => reject(new Error('the server closed the connection')))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      if (received === 0 && chunk.toString('latin1', 0, expected.length) !== expected) {
        return reject(new Error(`expected ${expected}, found ${chunk.toString('latin1')}`))
      }
      replyLength ??= lengthOf(chunk.toString('latin1'))
      received += chunk.length
      if (received > replyLength) return reject(new Error(`expected ${replyLength} bytes, found ${received}`))
      if (received === replyLength) next()
    })
    next()
  })
}

/** The bytes of a reply whose head is here. */
function lengthOf(reply: string): number {
  const head = reply.indexOf('\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(reply)?.[1]
  if (head < 0 || length === undefined) throw new Error(`expected a head with a content-length, found ${reply}`)
  return head + 4 + Number(length)
}
