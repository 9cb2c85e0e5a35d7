import type { ClusterAccess } from './access/cluster-access.ts'
import { adviceOf, ApiError, type Refusal, toReason } from './api/api-error.ts'
import { type ApiLink, openLink, type Pulse } from './api/api-link.ts'
import { linesOf } from './api/lines.ts'
import { readText } from './api/read-text.ts'
import { type SliceEvent, type SlicePage, toEvent, toPage } from './slice/slice-event.ts'

/** The EndpointSlices of one Service. */
export interface SliceQuery {
  readonly service: string
  /** Undefined for the namespace of the access. */
  readonly namespace: string | undefined
}

export interface KubernetesApiOptions {
  /** Asked again after it has failed. */
  readonly openAccess: () => Promise<ClusterAccess>
  readonly pulse?: Pulse
}

interface Request {
  readonly parameters: Readonly<Record<string, string>>
  /** Longest time in which nothing of the body may come. */
  readonly bodyTimeoutMs: number
  readonly signal: AbortSignal
}

/** What is asked of an API server. */
export class KubernetesApi {
  readonly #options: KubernetesApiOptions
  #link: Promise<ApiLink> | undefined
  #origin = 'an address that is not known yet'

  constructor(options: KubernetesApiOptions) {
    this.#options = options
  }

  /**
   * A page of what there is now; the first without `next`.
   *
   * @throws ApiError, also for a reply that is no list; ConfigError for an access that cannot be used.
   */
  async list(
    query: SliceQuery,
    { next, signal }: { readonly next: string | undefined; readonly signal: AbortSignal },
  ): Promise<SlicePage> {
    const parameters = { limit: pageSize, ...(next !== undefined && { continue: next }) }
    const body = await this.#get(query, { parameters, bodyTimeoutMs: replyTimeoutMs, signal })
    return this.#reading(query, async () => toPage(await readText(body, maxLength)))
  }

  /**
   * The events from a version on, those that came together in one list. Ends when the server ends the watch, which it does after some
   * minutes.
   *
   * @throws ApiError, also for what is no event; ConfigError for an access that cannot be used.
   */
  async *watch(
    query: SliceQuery,
    { version, signal }: { readonly version: string; readonly signal: AbortSignal },
  ): AsyncGenerator<readonly SliceEvent[]> {
    const parameters = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(Math.round(shortestWatchSeconds * (1 + Math.random()))),
    }
    const body = await this.#get(query, { parameters, bodyTimeoutMs: silentWatchMs, signal })
    const lines = linesOf(body, maxLength)
    try {
      for (;;) {
        const events = await this.#reading(query, async () => {
          const { value, done } = await lines.next()
          return done ? undefined : value.map(toEvent)
        })
        if (events === undefined) return
        yield events
      }
    } finally {
      // The server would go on otherwise.
      await lines.return(undefined)
    }
  }

  /** The error that a refusal is. */
  refused(query: SliceQuery, { status, message }: Refusal, retryAfterMs?: number): ApiError {
    const said = message.slice(0, maxQuotedLength)
    return new ApiError(`${this.#asked(query)}: ${status} ${said}${adviceOf(status)}`, { status, retryAfterMs })
  }

  /** Cuts what is left. */
  async close(): Promise<void> {
    const link = await this.#link?.catch(() => undefined)
    await link?.close()
  }

  /** The body of a reply that is one. */
  async #get(query: SliceQuery, { parameters, bodyTimeoutMs, signal }: Request): Promise<AsyncIterable<Uint8Array>> {
    const link = await this.#open()
    const search = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${query.service}`, ...parameters })
    const namespace = query.namespace ?? link.namespace
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${search.toString()}`
    const reply = await this.#reading(query, () =>
      link.get(path, { headersTimeoutMs: replyTimeoutMs, bodyTimeoutMs, signal }),
    )
    if (reply.status === 200) return reply.body
    const text = await this.#reading(query, () => readText(reply.body, maxLength))
    throw this.refused(query, { status: reply.status, message: messageOf(text) }, reply.retryAfterMs)
  }

  async #open(): Promise<ApiLink> {
    const { openAccess, pulse } = this.#options
    this.#link ??= openAccess().then((access) => openLink(access, pulse))
    try {
      const link = await this.#link
      this.#origin = link.origin
      return link
    } catch (error) {
      this.#link = undefined
      throw error
    }
  }

  /** What fails while something is read tells what was asked. */
  async #reading<Value>(query: SliceQuery, read: () => Promise<Value>): Promise<Value> {
    try {
      return await read()
    } catch (cause) {
      throw new ApiError(`${this.#asked(query)}: ${toReason(cause)}`, { cause })
    }
  }

  #asked({ service, namespace }: SliceQuery): string {
    const where = namespace === undefined ? '' : ` in namespace ${namespace}`
    return `Kubernetes at ${this.#origin}, asked for the EndpointSlices of Service ${service}${where}`
  }
}

/** A Service of 10,000 pods has 100 slices. @see Kubernetes, EndpointSlices: Distribution of EndpointSlices */
const pageSize = '100'

/** A guess: longer than an API server takes that is busy, and about as long as one that is dead may go unnoticed. */
const replyTimeoutMs = 10_000

/** Watches end after 4 to 8 minutes, so that many do not begin at once. @see client-go, reflector: 5 to 10 minutes */
const shortestWatchSeconds = 240

/** Bookmarks come about once a minute, which is no promise. @see Kubernetes, Watch bookmarks */
const silentWatchMs = 150_000

/** A guess: twice as many characters as a page of 100 slices of 1,000 endpoints. */
const maxLength = 2 ** 26

const maxQuotedLength = 300

/** What a Status says, or the text that came in its place. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown }
    return typeof message === 'string' ? message : ''
  } catch {
    return text
  }
}
