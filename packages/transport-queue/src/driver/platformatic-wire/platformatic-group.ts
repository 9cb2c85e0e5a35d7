import type { Broker, ConnectionPool } from '@platformatic/kafka'
import type { Membership } from '../../queue-driver.ts'
import type { PlatformaticClient, RequestAnswer, RequestName, RequestValues } from './platformatic-client.ts'
import { isAnyOf, responseOf } from './platformatic-error.ts'
import type { PlatformaticSettings } from './platformatic-options.ts'

/** A group, reached through its coordinator, who is asked for again when another broker has taken its place or it is away. */
export class PlatformaticGroup {
  readonly client: PlatformaticClient
  readonly settings: PlatformaticSettings
  readonly membership: Membership
  readonly #pool: ConnectionPool
  /** For joining, which is answered when all others have joined; a broker answers the requests of a connection in order. */
  readonly #joinPool: ConnectionPool
  #coordinator: Promise<Broker> | undefined

  constructor(client: PlatformaticClient, settings: PlatformaticSettings, membership: Membership) {
    this.client = client
    this.settings = settings
    this.membership = membership
    this.#pool = client.openPool(requestTimeoutMs)
    this.#joinPool = client.openPool(settings.rebalanceTimeoutMs + requestTimeoutMs)
  }

  get id(): string {
    return this.membership.group
  }

  /** @throws Error of the library, or when there was no answer in time. */
  request<Name extends RequestName>(name: Name, values: RequestValues<Name>): Promise<RequestAnswer<Name>> {
    return this.#send(name, values, { pool: this.#pool, timeoutMs: requestTimeoutMs })
  }

  /** The same for requests that the coordinator answers when all members have sent theirs. */
  requestTogether<Name extends 'JoinGroup' | 'SyncGroup'>(
    name: Name,
    values: RequestValues<Name>,
  ): Promise<RequestAnswer<Name>> {
    const timeoutMs = this.settings.rebalanceTimeoutMs + requestTimeoutMs
    return this.#send(name, values, { pool: this.#joinPool, timeoutMs })
  }

  async #send<Name extends RequestName>(
    name: Name,
    values: RequestValues<Name>,
    way: { readonly pool: ConnectionPool; readonly timeoutMs: number },
  ): Promise<RequestAnswer<Name>> {
    try {
      this.#coordinator ??= this.client.coordinatorOf(this.id)
      return await this.client.request(name, { ...way, broker: await this.#coordinator }, values)
    } catch (error) {
      // Who answers what is wrong with a request is the right one.
      if (responseOf(error) === undefined || isAnyOf(error, moved)) this.#coordinator = undefined
      throw error
    }
  }
}

/** How long the answer to a request may take that waits for nobody else. A guess. */
const requestTimeoutMs = 5_000

/** What a broker says that coordinates the group no more, or not yet. */
const moved: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
])
