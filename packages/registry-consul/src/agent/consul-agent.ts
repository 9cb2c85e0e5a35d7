import type { Pool } from 'undici'
import { AgentError, refused, unreachable } from './agent-error.ts'
import type { AgentSettings } from './agent-options.ts'
import { hasFiles, readAgentTls } from './agent-tls.ts'
import { linkedAbort } from './linked-abort.ts'

export interface AgentRequest {
  readonly method?: 'GET' | 'PUT'
  /** Below `/v1/`, percent-encoded. */
  readonly path: string
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** For messages, after "asked": `to register the instance user-1`. */
  readonly purpose: string
  /** Statuses beside 2xx that are an answer and no error. */
  readonly expected?: readonly number[]
  /** How long the agent is asked to hold back its answer. @defaultValue not at all */
  readonly waitMs?: number
  readonly signal: AbortSignal
}

export interface AgentAnswer {
  readonly status: number
  readonly text: string
  /** Of `X-Consul-Index`; at least 1, which blocks always. */
  readonly index: number
  /** Of `X-Consul-ContentHash` */
  readonly hash: string | undefined
  /** Whether the server that answered knows of a leader; what it says may be old otherwise. @see Consul API, Consistency Modes */
  readonly isLeaderKnown: boolean
  /** Whether the token may not see everything that would belong there. */
  readonly isFiltered: boolean
  /** Whether there may be more for those with a token: Consul tells those without one nothing of what it hides. */
  readonly isDenied: boolean
}

/** The HTTP API of one agent of Consul. Everything that goes over the network goes through here. */
export class ConsulAgent {
  readonly #settings: AgentSettings
  #pool: Promise<Pool> | undefined
  /** Pools that only finish what is under way. */
  readonly #leaving = new Set<Pool>()

  constructor(settings: AgentSettings) {
    this.#settings = settings
  }

  /**
   * @throws AgentError for a status that was not expected, and for an answer that does not come, or not in time; what the signal was
   * fired with.
   */
  async ask(request: AgentRequest): Promise<AgentAnswer> {
    const { signal, purpose, expected = [] } = request
    const asked = { origin: this.#settings.origin, purpose }
    const deadline = cutAfter(this.#deadlineMs(request), signal)
    try {
      const answer = await this.#send(request, deadline.signal)
      const { status, text } = answer
      if ((status >= 200 && status < 300) || expected.includes(status)) return answer
      throw refused(asked, status, text)
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof AgentError ? error : unreachable(asked, error)
    } finally {
      deadline.end()
    }
  }

  /** Cuts what is left. Safe to call twice. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined)
    const pools = [...this.#leaving, ...(pool ? [pool] : [])]
    await Promise.all(pools.map((one) => one.destroy()))
  }

  /** Consul adds up to a sixteenth of the wait. @see Consul API, Blocking Queries */
  #deadlineMs({ waitMs = 0 }: AgentRequest): number {
    return waitMs + waitMs / 16 + this.#settings.requestTimeoutMs
  }

  async #send(request: AgentRequest, signal: AbortSignal): Promise<AgentAnswer> {
    const { method = 'GET', path, body } = request
    const { token, maxResponseBytes } = this.#settings
    const opened = this.#open()
    const pool = await opened
    const sent = pool.request({
      method,
      path: `/v1/${path}${this.#query(request)}`,
      headers: { accept: 'application/json', ...(token !== undefined && { 'x-consul-token': token }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })
    const reply = await sent.catch((error: unknown) => {
      // Nobody gave up: the connection failed, perhaps for a certificate that was renewed.
      if (!signal.aborted && this.#pool === opened) this.#leave(pool)
      throw error
    })
    const header = (name: string) => [reply.headers[name]].flat()[0]
    return {
      status: reply.statusCode,
      text: await readText(reply.body, maxResponseBytes),
      index: Math.max(1, Number(header('x-consul-index')) || 0),
      hash: header('x-consul-contenthash'),
      // What comes from an agent's stream of events says false always.
      isLeaderKnown: header('x-consul-knownleader') !== 'false' || header('x-consul-query-backend') === 'streaming',
      isFiltered: header('x-consul-results-filtered-by-acls') === 'true',
      isDenied: token === undefined && header('x-consul-default-acl-policy') === 'deny',
    }
  }

  #query({ query = {}, waitMs }: AgentRequest): string {
    const wait = waitMs === undefined ? undefined : `${Math.ceil(waitMs)}ms`
    const given = Object.entries({ ...query, ...this.#settings.scope, wait }).flatMap(([name, value]) =>
      value === undefined ? [] : [value === '' ? name : `${name}=${encodeURIComponent(value)}`],
    )
    return given.length === 0 ? '' : `?${given.join('&')}`
  }

  /** Again after a failure: a file that is missing may come. */
  #open(): Promise<Pool> {
    this.#pool ??= openPool(this.#settings).catch((error: unknown) => {
      this.#pool = undefined
      throw error
    })
    return this.#pool
  }

  /** Reads the files of certificates anew with the next request. What is under way goes on. */
  #leave(pool: Pool): void {
    const { tls } = this.#settings
    if (!tls || !hasFiles(tls) || pool.destroyed) return
    this.#pool = undefined
    this.#leaving.add(pool)
    const gone = () => this.#leaving.delete(pool)
    void pool.close().then(gone, gone)
  }
}

/** Longer than the time between two renewals by default, so that they share a connection. */
const keepAliveTimeout = 10_000

/** Loading undici takes time, and a service may have a registry that it never asks. Deadlines are ours. */
async function openPool({ origin, tls, requestTimeoutMs }: AgentSettings): Promise<Pool> {
  const { Pool: OpenPool } = await import('undici')
  const connect = { timeout: requestTimeoutMs, ...(tls && (await readAgentTls(tls))) }
  return new OpenPool(origin, { connect, keepAliveTimeout, headersTimeout: 0, bodyTimeout: 0, allowH2: false })
}

async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw new Error(`its answer is longer than maxResponseBytes, ${maxBytes}`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A signal that fires with another one, or after a time. */
function cutAfter(delayMs: number, signal: AbortSignal): { readonly signal: AbortSignal; end(): void } {
  const { controller, unlink } = linkedAbort(signal)
  const timer = setTimeout(() => controller.abort(new Error(`no answer for ${Math.round(delayMs)} ms`)), delayMs)
  const end = () => {
    clearTimeout(timer)
    unlink()
  }
  return { signal: controller.signal, end }
}
