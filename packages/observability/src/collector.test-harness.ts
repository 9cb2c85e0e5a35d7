import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Logger } from '@tenon/core'

/** What a Collector does with a request. */
export type Reply = 'take' | 'hang' | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }

/** A Collector by its wire only: OTLP over HTTP. */
export class FakeCollector implements AsyncDisposable {
  reply: Reply = 'take'
  /** What was taken, by path such as `/v1/traces`. */
  readonly taken: { readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: Buffer }[] = []
  /** How many requests have come, whatever became of them. */
  requestCount = 0
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  /** On a free port, or where one was before. */
  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** How often a text stands in what was taken of a signal. */
  count(signal: 'traces' | 'metrics' | 'logs', text: string): number {
    const bodies = this.taken.filter(({ path }) => path === `/v1/${signal}`).map(({ body }) => body.toString('latin1'))
    return bodies.join('\n').split(text).length - 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => [])
    this.requestCount++
    if (this.reply === 'hang') return
    if (this.reply !== 'take') return void response.writeHead(this.reply.status, this.reply.headers).end()
    const { url: path = '', headers } = request
    const sent = Buffer.concat(chunks as Buffer[])
    this.taken.push({ path, headers, body: headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent })
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  }
}

/** A logger that keeps what telemetry tells of itself: the level, the message and the fields. */
export function noted() {
  const lines: { readonly level: string; readonly message: string | undefined; readonly fields: object }[] = []
  const line = (level: string) => (fields: object, message?: string) => void lines.push({ level, message, fields })
  const log: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => log,
  }
  return { log, lines }
}
