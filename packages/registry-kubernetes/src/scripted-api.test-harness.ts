import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { Instance } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { certificate, privateKey } from '../../transport-http/src/client/tls.test-harness.ts'
import type { ClusterAccess, ClusterTls } from './access/cluster-access.ts'
import type { Pulse } from './api/api-link.ts'
import { type KubernetesRegistryOptions, resolveKubernetesOptions } from './kubernetes-options.ts'
import { type KubernetesRegistry, openRegistry } from './kubernetes-registry.ts'

/** One request, as the API server sees it. */
export interface Asked {
  readonly path: string
  readonly parameters: Readonly<Record<string, string>>
  readonly token: string | undefined
  readonly httpVersion: string
  readonly reply: Http2ServerResponse
  /** Whole. */
  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void
  /** A watch's events, each a line; the reply stays open. */
  send(...events: readonly unknown[]): void
}

export type Script = (asked: Asked) => void

/** An API server that says what the test has it say: scripts are used up one a request; lists and watches after them are as they should be. */
export class ScriptedApi implements AsyncDisposable {
  readonly asked: Asked[] = []
  /** What lists have; the version is that of the list. */
  items: unknown[] = []
  version = '1'
  /** For what the requests are, first come first. */
  readonly scripts: { list: Script[]; watch: Script[] } = { list: [], watch: [] }
  readonly #server: Server
  readonly #sessions = new Set<{ destroy(): void }>()

  private constructor(kind: 'h2' | 'https' | 'http') {
    const handle = (request: unknown, reply: unknown) =>
      this.#handle(request as Http2ServerRequest, reply as Http2ServerResponse)
    const keys = { cert: certificate, key: privateKey }
    if (kind === 'http') this.#server = createPlainServer(handle)
    else
      this.#server = kind === 'h2' ? createSecureServer({ ...keys, ...asAsked }, handle) : createTlsServer(keys, handle)
    this.#server.on('connection', (socket: { destroy(): void }) => this.#sessions.add(socket))
  }

  static async open(kind: 'h2' | 'https' | 'http' = 'h2'): Promise<ScriptedApi> {
    const api = new ScriptedApi(kind)
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Requests for lists, in their order. */
  get lists(): readonly Asked[] {
    return this.asked.filter(({ parameters }) => parameters['watch'] === undefined)
  }

  /** Requests for watches, in their order. */
  get watches(): readonly Asked[] {
    return this.asked.filter(({ parameters }) => parameters['watch'] !== undefined)
  }

  /** The watch with this number, once it has been asked for. */
  watchAt(index: number): Promise<Asked> {
    return eventually(() => {
      const found = this.watches[index]
      if (found) return found
      throw new Error(`expected watch ${index}, found ${this.watches.length}`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const session of this.#sessions) session.destroy()
    await closed
  }

  #handle(request: Http2ServerRequest, reply: Http2ServerResponse): void {
    const url = new URL(request.url, 'https://api')
    const asked: Asked = {
      path: url.pathname,
      parameters: Object.fromEntries(url.searchParams),
      token: request.headers.authorization?.replace(/^Bearer /, ''),
      httpVersion: request.httpVersion,
      reply,
      answer: (status, body, headers = {}) => {
        reply.writeHead(status, headers)
        reply.end(typeof body === 'string' ? body : JSON.stringify(body))
      },
      send: (...events) => {
        if (!reply.headersSent) reply.writeHead(200)
        reply.write(events.map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join(''))
      },
    }
    this.asked.push(asked)
    const isWatch = asked.parameters['watch'] !== undefined
    const script = this.scripts[isWatch ? 'watch' : 'list'].shift()
    if (script) return script(asked)
    if (isWatch) return begin(reply)
    asked.answer(200, page(this.items, { version: this.version }))
  }
}

/** HTTP/1.1 keeps the head of a reply back otherwise. */
function begin(reply: Http2ServerResponse): void {
  reply.writeHead(200)
  if ('flushHeaders' in reply && typeof reply.flushHeaders === 'function') reply.flushHeaders()
}

/** Speaks what the caller would rather speak. */
const asAsked = { allowHTTP1: true, ALPNCallback: ({ protocols }: { protocols: readonly string[] }) => protocols[0] }

export function page(items: readonly unknown[], { version = '1', next = '' } = {}): object {
  return { kind: 'EndpointSliceList', metadata: { resourceVersion: version, continue: next }, items }
}

export interface SliceFields {
  readonly version?: string
  readonly addresses?: readonly string[]
  readonly [field: string]: unknown
}

/** A slice with a pod for each address. */
export function slice(name: string, { version = '1', addresses = [], ...fields }: SliceFields = {}): object {
  return {
    metadata: { name, resourceVersion: version },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 50_051, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ...fields,
  }
}

export const bookmark = (version: string) => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion: version } } })

export interface OpenOptions extends KubernetesRegistryOptions {
  readonly token?: () => Promise<string | undefined>
  readonly pulse?: Pulse
  /** Where it connects, in the place of the server itself. */
  readonly address?: string
  readonly protocol?: 'https' | 'http'
  readonly basePath?: string
  /** @defaultValue those that trust the server */
  readonly tls?: ClusterTls
  /** Whether the access cannot be opened yet. */
  readonly fails?: () => boolean
}

const trusting: ClusterTls = { ca: certificate, servername: 'service.test' }

/** A registry that asks a scripted server. */
export function openOn(api: ScriptedApi, options: OpenOptions = {}): KubernetesRegistry {
  const {
    token = async () => 'token',
    pulse,
    address,
    protocol = 'https',
    basePath = '',
    tls = trusting,
    fails,
    ...rest
  } = options
  const access: ClusterAccess = {
    origin: `${protocol}://${address ?? `127.0.0.1:${api.port}`}`,
    basePath,
    namespace: 'shop',
    tls: async () => tls,
    token,
  }
  return openRegistry(resolveKubernetesOptions(rest), {
    connectsTo: [],
    openAccess: async () => {
      if (fails?.()) throw new Error('there is no kubeconfig yet')
      return access
    },
    ...(pulse && { pulse }),
  })
}

/** What a watch has given and told so far. */
export class Watching implements AsyncDisposable {
  readonly snapshots: (readonly Instance[])[] = []
  readonly troubles: string[] = []
  readonly #registry: KubernetesRegistry
  readonly #ending = new AbortController()
  readonly #ended: Promise<void>

  constructor(registry: KubernetesRegistry, name = 'user') {
    this.#registry = registry
    this.#ended = this.#read(name)
  }

  get newest(): readonly Instance[] {
    return this.snapshots.at(-1) ?? []
  }

  /** The hosts of the newest list are these. */
  async sees(...hosts: readonly string[]): Promise<void> {
    await eventually(() => {
      const found = this.snapshots.at(-1)?.flatMap(({ endpoints }) => endpoints.map(({ host }) => host))
      if (JSON.stringify(found) !== JSON.stringify(hosts))
        throw new Error(`expected ${hosts.join()}, found ${found?.join()}; troubles: ${this.troubles.join('; ')}`)
    })
  }

  /** Something was told that fits. */
  async isTold(form: RegExp): Promise<string> {
    return eventually(() => {
      const found = this.troubles.find((text) => form.test(text))
      if (found !== undefined) return found
      throw new Error(`expected ${String(form)}, found ${this.troubles.join('; ')}`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    await this.#ended
    await this.#registry.close()
  }

  async #read(name: string): Promise<void> {
    const onTrouble = (error: Error) => void this.troubles.push(error.message)
    for await (const snapshot of this.#registry.watch(name, { signal: this.#ending.signal, onTrouble }))
      this.snapshots.push(snapshot)
  }
}
