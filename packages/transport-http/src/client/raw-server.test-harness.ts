import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A request as a raw server sees it. */
export interface RawRequest {
  readonly socket: Socket
  /** Head and body as they came. */
  readonly text: string
  /** Which connection it came on, from 0. */
  readonly connection: number
}

/** A server that answers each request with the bytes it likes, or does worse things to the connection. */
export async function rawServer(answer: (request: RawRequest, index: number) => void) {
  const texts: string[] = []
  const sockets = new Set<Socket>()
  let connectionCount = 0
  const server = createServer((socket) => {
    const connection = connectionCount
    connectionCount += 1
    sockets.add(socket.on('error', () => undefined).setEncoding('latin1'))
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
      if (!isWhole(text)) return
      const request = { socket, text, connection }
      text = ''
      texts.push(request.text)
      answer(request, texts.length - 1)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** All requests, as they came. */
    texts,
    get connectionCount() {
      return connectionCount
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface RawReply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A reply with its length. */
export function reply({ status = 200, headers = {}, body = '' }: RawReply = {}): string {
  const all = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

/** Whether the head has come, and as much of the body as it says. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /^content-length: (\d+)/im.exec(text)?.[1] ?? '0'
  return text.length >= end + 4 + Number(length)
}
