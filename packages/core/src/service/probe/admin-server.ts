import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LifecycleError } from '../../error/setup-error.ts'
import type { ProbeName, ProbeReply } from '../../transport/probe.ts'
import type { Address } from '../../transport/transport.ts'
import type { AdminSettings } from './admin-options.ts'
import type { Probes } from './probes.ts'

/** What the server tells of. */
export interface AdminView {
  readonly probes: Probes
  readonly info: () => object
}

/** Answers `/livez`, `/readyz`, `/startupz` and `/info` on a port of its own, away from traffic and its limits. */
export class AdminServer {
  readonly #server: Server
  readonly #host: string
  readonly #port: number
  #isClosed = false

  constructor(view: AdminView, { host, port }: Pick<AdminSettings, 'host' | 'port'>) {
    this.#host = host
    this.#port = port
    this.#server = createServer((request, response) => write(response, answerSafely(view, request)))
  }

  /** @throws LifecycleError `service.listen_failed` */
  async listen(): Promise<Address> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject)
        this.#server.listen(this.#port, this.#host, () => resolve())
      })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `the admin server cannot listen on ${this.#host}:${this.#port}: ${reason}; set admin.port`
      throw new LifecycleError([{ code: 'service.listen_failed', message }], cause)
    }
    const { port } = this.#server.address() as AddressInfo
    // It was given up while it began to listen.
    if (this.#isClosed) await this.close()
    return { protocol: 'admin', host: this.#host, port }
  }

  /** Safe to call at any time. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

/** A view that fails must not end the process: nobody else would catch it. */
function answerSafely(view: AdminView, request: IncomingMessage): ProbeReply {
  try {
    return answer(view, request)
  } catch (error) {
    return toReply(500, { failure: error instanceof Error ? error.message : String(error) })
  }
}

function answer({ probes, info }: AdminView, { method, url = '/', headers }: IncomingMessage): ProbeReply {
  const { path, query } = splitUrl(url)
  const probe = probesByPath.get(path)
  if (probe !== undefined) return probes.answer(probe, { method, query, headers }, 'operators')
  if (method !== 'GET' && method !== 'HEAD') return toReply(405, { allow: 'GET, HEAD' }, { allow: 'GET, HEAD' })
  if (path !== '/info') return toReply(404, { paths: [...probesByPath.keys(), '/info'] })
  if (probes.maySee(headers.authorization, 'operators')) return toReply(200, info())
  const needs = 'Authorization: Bearer … with the token of admin.token'
  return toReply(401, { needs }, { 'www-authenticate': 'Bearer' })
}

const probesByPath: ReadonlyMap<string, ProbeName> = new Map([
  ['/livez', 'livez'],
  ['/readyz', 'readyz'],
  ['/startupz', 'startupz'],
])

function splitUrl(url: string): { readonly path: string; readonly query: string | undefined } {
  const at = url.indexOf('?')
  return at < 0 ? { path: url, query: undefined } : { path: url.slice(0, at), query: url.slice(at + 1) }
}

function toReply(status: number, body: object, headers: Readonly<Record<string, string>> = {}): ProbeReply {
  const fixed = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status, headers: { ...fixed, ...headers }, body: `${JSON.stringify(body)}\n` }
}

function write(response: ServerResponse, { status, headers, body }: ProbeReply): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
