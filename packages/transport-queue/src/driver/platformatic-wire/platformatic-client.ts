import { isIP } from 'node:net'
import { ConfigError } from '@tenon/core/transport'
import type * as kafka from '@platformatic/kafka'
import { passwordOf, toConnectionOptions } from '../kafka/kafka-security.ts'
import type { TokenSource } from '../kafka/kafka-token.ts'
import { orAborted, within } from '../../wait.ts'
import type { PlatformaticSettings } from './platformatic-options.ts'

export type Platformatic = typeof kafka

/**
 * The library. Loaded when it is first needed: whoever uses another driver need not install it.
 *
 * @throws ConfigError `config.package` naming the command that installs it
 */
export async function loadPlatformatic(
  load: () => Promise<Platformatic> = () => import('@platformatic/kafka'),
): Promise<Platformatic> {
  try {
    return await load()
  } catch (cause) {
    const message =
      'platformaticDriver: needs the package @platformatic/kafka, which cannot be loaded: ' +
      'run `npm install @platformatic/kafka` (version 2.12 or later), or take kafkajsDriver'
    throw new ConfigError([{ code: 'config.package', message }], cause)
  }
}

export interface ClientSettings {
  readonly settings: PlatformaticSettings
  readonly clientId: string
  /** Of `oauthbearer`; undefined for other mechanisms. */
  readonly tokens: TokenSource | undefined
}

/** What all clients of the library take. Whether anything is tried again is decided by who makes one. */
export function toClientOptions({ settings, clientId, tokens }: ClientSettings) {
  const { brokers, connectTimeoutMs, tls, sasl } = settings
  const { servername, ...secure } = toConnectionOptions(tls) ?? {}
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: Math.min(connectTimeoutMs, socketTimeoutMs),
    autocreateTopics: false,
    retries: 0,
    ...(tls && { tls: secure, tlsServerName: servername ?? areNames(brokers) }),
    ...(sasl && {
      sasl: {
        mechanism: mechanisms[sasl.mechanism],
        ...(sasl.mechanism === 'oauthbearer'
          ? { token: async () => (await tokens?.next()) ?? '' }
          : { username: sasl.username, password: passwordOf(sasl) }),
      },
    }),
  } satisfies kafka.BaseOptions
}

/** The requests that are made without the library's own consumer, each by its newest form; the older ones take the same. */
interface Requests {
  readonly FindCoordinator: typeof kafka.findCoordinatorV6.api
  readonly JoinGroup: typeof kafka.joinGroupV9.api
  readonly SyncGroup: typeof kafka.syncGroupV5.api
  readonly Heartbeat: typeof kafka.heartbeatV4.api
  readonly LeaveGroup: typeof kafka.leaveGroupV5.api
  readonly ConsumerGroupHeartbeat: typeof kafka.consumerGroupHeartbeatV1.api
  readonly OffsetCommit: typeof kafka.offsetCommitV9.api
  readonly OffsetFetch: typeof kafka.offsetFetchV9.api
  readonly ListOffsets: typeof kafka.listOffsetsV9.api
  readonly Fetch: typeof kafka.fetchV17.api
  readonly InitProducerId: typeof kafka.initProducerIdV5.api
  readonly Produce: typeof kafka.produceV11.api
}

export type RequestName = keyof Requests
/** What a request says, in the library's order. */
export type RequestValues<Name extends RequestName> =
  Requests[Name] extends kafka.API<infer Values, infer _> ? Values : never
export type RequestAnswer<Name extends RequestName> =
  Requests[Name] extends kafka.API<infer _, infer Answer> ? Answer : never

/** What a request is sent over. */
export interface RequestRoute {
  readonly pool: kafka.ConnectionPool
  readonly broker: kafka.Broker
  readonly timeoutMs: number
}

/** Connections to a cluster and single requests over them, each in the newest form that both sides know. Tries nothing again. */
export class PlatformaticClient {
  readonly #library: Platformatic
  readonly #settings: ClientSettings
  readonly #base: kafka.Base
  readonly #pools: kafka.ConnectionPool[] = []

  constructor(library: Platformatic, settings: ClientSettings) {
    this.#library = library
    this.#settings = settings
    this.#base = new library.Base(toClientOptions(settings))
  }

  get library(): Platformatic {
    return this.#library
  }

  /** Connections of their own, one to each broker: what waits on one of them holds up no other pool. */
  openPool(requestTimeoutMs: number): kafka.ConnectionPool {
    const options = { ...toClientOptions(this.#settings), requestTimeout: requestTimeoutMs }
    const pool = new this.#library.ConnectionPool(this.#settings.clientId, options)
    this.#pools.push(pool)
    return pool
  }

  /** What the cluster is made of, read anew. @throws Error that `isUnknownTopic` knows. */
  metadata(topics: readonly string[]): Promise<kafka.ClusterMetadata> {
    const reading = this.#base.metadata({ topics: [...topics], forceUpdate: true })
    return within(reading, metadataTimeoutMs, 'no broker told about the cluster')
  }

  /** Where the group is coordinated. */
  async coordinatorOf(group: string): Promise<kafka.Broker> {
    const finding = asPromise<kafka.Connection>((done) => this.#base[this.#library.kGetBootstrapConnection](done)).then(
      (connection) => this.#send('FindCoordinator', connection, [0, [group]]),
    )
    const { coordinators } = await within(finding, metadataTimeoutMs, 'no broker told who coordinates the group')
    const [found] = coordinators
    if (found === undefined) throw new Error(`no broker coordinates the group ${group}`)
    return { host: found.host, port: found.port }
  }

  /** What has no answer in time is taken back, as far as a broker has not got it. @throws Error of the library, or that there was no answer. */
  async request<Name extends RequestName>(
    name: Name,
    { pool, broker, timeoutMs }: RequestRoute,
    values: RequestValues<Name>,
  ): Promise<RequestAnswer<Name>> {
    const over = new AbortController()
    const giveUp = () => over.abort(new Error(`no answer to ${name} within ${timeoutMs} ms`))
    const timer = setTimeout(giveUp, timeoutMs)
    const sending = pool
      .get(broker)
      .then((connection) => this.#sendOrCut(name, { connection, values, over: over.signal }))
    try {
      return await orAborted(sending, over.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  /** The form in which a request is sent: requests for records name topics differently from version 13 on. */
  async versionOf(name: RequestName): Promise<number> {
    return (await this.#apiOf(name)).version
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#base.close(), ...this.#pools.map((pool) => pool.close())])
  }

  /**
   * The library takes nothing back that waits for its turn on a connection, so that one ends: a broker answers in order, and what waits
   * behind has waited as long.
   */
  async #sendOrCut<Name extends RequestName>(
    name: Name,
    { connection, values, over }: CuttableRequest<Name>,
  ): Promise<RequestAnswer<Name>> {
    over.throwIfAborted()
    over.addEventListener('abort', () => connection.socket.destroy(), { once: true })
    return this.#send(name, connection, values)
  }

  async #send<Name extends RequestName>(
    name: Name,
    connection: kafka.Connection,
    values: RequestValues<Name>,
  ): Promise<RequestAnswer<Name>> {
    const api = await this.#apiOf(name)
    return asPromise((done) => api(connection, ...values, done))
  }

  #apiOf<Name extends RequestName>(name: Name): Promise<kafka.API<RequestValues<Name>, RequestAnswer<Name>>> {
    return asPromise((done) => this.#base[this.#library.kGetApi](name, done))
  }
}

interface CuttableRequest<Name extends RequestName> {
  readonly connection: kafka.Connection
  readonly values: RequestValues<Name>
  /** Fires when nobody waits for the answer any more. */
  readonly over: AbortSignal
}

/** How long one connection may take to open. A guess. */
const socketTimeoutMs = 3_000
/** How long finding out about the cluster may take. A guess. */
const metadataTimeoutMs = 10_000

const mechanisms = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const

/** Whether brokers are reached by names, which servers that share an address want to be told. @see RFC 6066 section 3 */
function areNames(brokers: readonly string[]): boolean {
  return brokers.every((broker) => isIP(broker.slice(0, broker.lastIndexOf(':'))) === 0)
}

function asPromise<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
