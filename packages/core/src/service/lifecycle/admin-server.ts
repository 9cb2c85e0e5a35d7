import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError, LifecycleError } from '../../error/setup-error.ts'
import type { Address } from '../../transport/transport.ts'
import type { CheckResult } from './health.ts'
import type { TransportCondition } from './transport-condition.ts'

export interface AdminOptions {
  /** 0 for any free one. @defaultValue 9000 @remarks Range 0–65_535 */
  readonly port?: number
  /** @defaultValue the environment variable TENON_HOST, or 127.0.0.1 */
  readonly host?: string
}

/** What the probes read; all of it is state that is already there. */
export interface AdminView {
  readonly isLive: () => boolean
  readonly isReady: () => boolean
  readonly hasStarted: () => boolean
  readonly checks: () => readonly CheckResult[]
  /** Of those transports that tell. */
  readonly transports: () => readonly TransportCondition[]
  readonly info: () => object
}

/** Answers `/livez`, `/readyz`, `/startupz` and `/info` on a port of its own, away from traffic and its limits. */
export class AdminServer {
  readonly #server: Server
  readonly #host: string
  readonly #port: number
  #isClosed = false

  constructor(view: AdminView, { host = '127.0.0.1', port = 9000 }: AdminOptions) {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new ConfigError([
        { code: 'config.out_of_range', message: `admin.port must be from 0 to 65535, found ${port}` },
      ])
    }
    this.#host = host
    this.#port = port
    this.#server = createServer((request, response) => answer(view, request, response))
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

function answer(view: AdminView, { method, url = '/' }: IncomingMessage, response: ServerResponse): void {
  const [path, query] = url.split('?', 2)
  const isVerbose = new URLSearchParams(query).has('verbose')
  const probes: Readonly<Record<string, () => boolean>> = {
    '/livez': view.isLive,
    '/readyz': view.isReady,
    '/startupz': view.hasStarted,
  }
  const probe = Object.hasOwn(probes, path ?? '') ? probes[path ?? ''] : undefined
  if (method !== 'GET' && method !== 'HEAD') return reply(response, 405, { allow: 'GET, HEAD' })
  if (path === '/info') return reply(response, 200, view.info())
  if (probe === undefined) return reply(response, 404, { paths: [...Object.keys(probes), '/info'] })
  const isPassing = probe()
  reply(response, isPassing ? 200 : 503, {
    status: isPassing ? 'pass' : 'fail',
    ...(isVerbose ? conditions(view) : {}),
  })
}

function conditions(view: AdminView): object {
  const transports = view.transports()
  return { checks: view.checks(), ...(transports.length > 0 && { transports }) }
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (status === 405) response.setHeader('allow', 'GET, HEAD')
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(response.req.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`)
}
