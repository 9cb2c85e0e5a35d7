import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '@tenon/testing'

/** What a scripted agent was asked. */
export interface ScriptedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** How it answers. A missing answer is one that never comes. */
export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** An HTTP server that answers as a test says, and keeps what it was asked. */
export class ScriptedAgent implements AsyncDisposable {
  readonly requests: ScriptedRequest[] = []
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  readonly #answer: (request: ScriptedRequest) => ScriptedAnswer | undefined

  private constructor(answer: (request: ScriptedRequest) => ScriptedAnswer | undefined) {
    this.#answer = answer
  }

  static async start(answer: (request: ScriptedRequest) => ScriptedAnswer | undefined): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent(answer)
    agent.#server.listen(0, '127.0.0.1')
    await once(agent.#server, 'listening')
    return agent
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves with the requests when there are so many that fit. */
  async asked(count: number, fits: (request: ScriptedRequest) => boolean = () => true): Promise<ScriptedRequest[]> {
    return eventually(() => {
      const found = this.requests.filter(fits)
      if (found.length < count) throw new Error(`expected ${count} requests, found ${found.length}`)
      return found
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://agent')
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const { method = '', headers } = incoming
    const request = { method, path: pathname, query: searchParams, headers, body }
    this.requests.push(request)
    const answer = this.#answer(request)
    if (answer === undefined) return
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? [])
    response.writeHead(answer.status ?? 200, answer.headers).end(text)
  }
}
