import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LifecycleError } from '../../error/setup-error.ts'
import type { ProbeName, ProbeReply } from '../../transport/probe.ts'
import type { Address } from '../../transport/transport.ts'
import type { AdminSettings } from './admin-options.ts'
import type { AdminRoute } from './admin-route.ts'
import type { Probes } from './probes.ts'

/** What the server tells of. */
export interface AdminView {
  readonly probes: Probes
  readonly info: () => object
  /** @defaultValue none */
  readonly routes?: readonly AdminRoute[]
}

/** Answers `/livez`, `/readyz`, `/startupz`, `/info` and the given routes on a port of its own, away from traffic and its limits. */
export class AdminServer {
  readonly #server: Server
  readonly #host: string
  readonly #port: number
  #isClosed = false

  constructor(view: AdminView, { host, port }: Pick<AdminSettings, 'host' | 'port'>) {
    this.#host = host
    this.#port = port
    this.#server = createServer((request, response) => {
      void answerSafely(view, request).then((reply) => write(response, reply))
    })
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
async function answerSafely(view: AdminView, request: IncomingMessage): Promise<ProbeReply> {
  try {
    return await answer(view, request)
  } catch (error) {
    return toReply(500, { failure: error instanceof Error ? error.message : String(error) })
  }
}

function answer(view: AdminView, { method, url = '/', headers }: IncomingMessage): ProbeReply | Promise<ProbeReply> {
  const { probes } = view
  const { path, query } = splitUrl(url)
  const probe = probesByPath.get(path)
  if (probe !== undefined) return probes.answer(probe, { method, query, headers }, 'operators')
  const routes = [infoRoute(view), ...(view.routes ?? [])]
  const route = routes.find((one) => one.path === path)
  const asked = method === 'HEAD' ? 'GET' : method
  const methods = route?.methods ?? ['GET']
  if (!isAmong(asked, methods)) {
    const allow = methods.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ')
    return toReply(405, { allow }, { allow })
  }
  if (route === undefined) return toReply(404, { paths: [...probesByPath.keys(), ...routes.map((one) => one.path)] })
  if (probes.maySee(headers.authorization, 'operators'))
    return route.answer({
      method: asked,
      query: new URLSearchParams(query),
      accept: headers.accept,
      hasToken: probes.hasToken(headers.authorization),
    })
  const needs = 'Authorization: Bearer … with the token of admin.token'
  return toReply(401, { needs }, { 'www-authenticate': 'Bearer' })
}

function isAmong<Method extends string>(asked: string | undefined, methods: readonly Method[]): asked is Method {
  return methods.some((method) => method === asked)
}

function infoRoute({ info }: AdminView): AdminRoute {
  return { path: '/info', methods: ['GET'], answer: () => toReply(200, info()) }
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
