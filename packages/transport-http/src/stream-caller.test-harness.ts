import { once } from 'node:events'
import { type IncomingMessage, request as sendHttp } from 'node:http'
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import type { Readable } from 'node:stream'
import { certificate, privateKey } from './client/tls.test-harness.ts'
import type { HttpOptions } from './index.ts'

export const protocols = ['HTTP/1.1', 'HTTP/2'] as const
export type Protocol = (typeof protocols)[number]

/** What a server is told to speak the protocol. */
export const optionsFor: Readonly<Record<Protocol, HttpOptions>> = {
  'HTTP/1.1': { port: 0 },
  'HTTP/2': { port: 0, http2: true, tls: { cert: certificate, key: privateKey } },
}

/** A reply whose body comes as the test reads it. */
export interface OpenReply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Readable
  /** Leaves without reading on. */
  leave(): void
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A caller with a connection of its own for each request, or one for all over HTTP/2. */
export class StreamCaller {
  readonly port: number
  readonly #session: ClientHttp2Session | undefined

  constructor(protocol: Protocol, port: number) {
    this.port = port
    if (protocol === 'HTTP/1.1') return
    this.#session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    this.#session.on('error', () => undefined)
  }

  open(path: string, asked: Asked = {}): Promise<OpenReply> {
    return this.#session === undefined ? this.#openHttp1(path, asked) : this.#openHttp2(this.#session, path, asked)
  }

  /** The reply with its whole body. @throws Error when it is cut off */
  async ask(path: string, asked: Asked = {}) {
    const { status, headers, body } = await this.open(path, asked)
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(chunk as Buffer)
    return { status, headers, body: Buffer.concat(chunks) }
  }

  [Symbol.dispose](): void {
    this.#session?.destroy()
  }

  async #openHttp1(path: string, { method = 'GET', headers = {} }: Asked): Promise<OpenReply> {
    const request = sendHttp({ port: this.port, host: '127.0.0.1', path, method, headers, agent: false }).end()
    request.on('error', () => undefined)
    const [reply] = (await once(request, 'response')) as [IncomingMessage]
    return { status: reply.statusCode ?? 0, headers: reply.headers, body: reply, leave: () => void reply.destroy() }
  }

  async #openHttp2(session: ClientHttp2Session, path: string, { method = 'GET', headers = {} }: Asked) {
    const stream = session.request({ ':path': path, ':method': method, ...headers }).end()
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    return { status: Number(head[':status']), headers: head, body: stream, leave: () => stream.close(8) }
  }
}
