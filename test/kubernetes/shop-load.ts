import { orders, users } from '@shop/contracts'
import { buildClient, type Client, type ClientTransport } from '@tenon/core/client'
import { contractInfo } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { grpcClient } from '@tenon/transport-grpc'
import { httpClient } from '@tenon/transport-http'
import { expect } from 'vitest'
import { type Lane, OpenLoad } from '../../packages/cli/src/load/open-load.ts'
import type { CommandSender } from './command-sender.ts'
import { type Count, Tally } from '../../packages/cli/src/load/tally.ts'

/** Where callers reach a service, as `host:port`. */
export interface ServicePlaces {
  readonly http: string
  readonly grpc: string
}

export interface ShopPlaces {
  readonly user: ServicePlaces
  readonly order: ServicePlaces
}

/** Typed clients of both services over one transport. */
export interface ShopClients {
  readonly users: Client<typeof users>
  readonly orders: Client<typeof orders>
}

/** What became of calls, by transport. */
export interface LoadOutcome {
  readonly http: Count
  readonly grpc: Count
}

/** Calls were made over both transports, and all were answered. */
export function requireNoFailure({ http, grpc }: LoadOutcome): void {
  expect([http.failures, grpc.failures]).toEqual([[], []])
  expect(Math.min(http.succeeded, grpc.succeeded)).toBeGreaterThan(20)
}

/** Idle connections of callers end before a server that stops closes them. */
const keepAliveTimeoutMs = 2_000

/** Callers of both services from outside the cluster, over HTTP and gRPC. */
export class ShopCallers implements AsyncDisposable {
  readonly http: ShopClients
  readonly grpc: ShopClients
  readonly #closers: (() => Promise<void>)[] = []

  constructor({ user, order }: ShopPlaces) {
    const http = httpClient({ keepAliveTimeoutMs })
    const grpc = grpcClient()
    this.http = this.#clients(http, user.http, order.http)
    this.grpc = this.#clients(grpc, user.grpc, order.grpc)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()))
  }

  #clients(via: ClientTransport, userAddress: string, orderAddress: string): ShopClients {
    const userChannel = via.open({ contract: contractInfo(users), address: userAddress })
    const orderChannel = via.open({ contract: contractInfo(orders), address: orderAddress })
    this.#closers.push(
      () => userChannel.close(),
      () => orderChannel.close(),
    )
    return { users: buildClient(users, userChannel), orders: buildClient(orders, orderChannel) }
  }
}

/** Calls of both services at a fixed rate, each answered or counted as failed; none is made a second time. */
export class ShopLoad implements AsyncDisposable {
  readonly #callers: ShopCallers
  readonly #sender: CommandSender | undefined
  readonly #tallies = { http: new Tally(), grpc: new Tally() }
  readonly #load: OpenLoad
  /** Orders that were answered, and commands that were stored, by their users. */
  readonly placed = new Map<string, number>()
  #userIds: string[] = []
  #turn = 0

  /** @param sender Places orders by commands too, where it is given. */
  constructor(callers: ShopCallers, perSecond: number, sender?: CommandSender) {
    this.#callers = callers
    this.#sender = sender
    this.#load = new OpenLoad([...this.#lanes('http'), ...this.#lanes('grpc')], perSecond)
  }

  /** Makes the users whose orders are placed, then calls. */
  async start(userCount: number): Promise<void> {
    for (let index = 0; index < userCount; index++) {
      const { userId } = await createUser(this.#callers.http)
      this.#userIds.push(userId)
    }
    this.#load.start()
  }

  /** Calls no more, waits for what was called, and tells what became of it. */
  async finish(): Promise<LoadOutcome> {
    await this.#load.finish()
    return { http: this.#tallies.http.count(), grpc: this.#tallies.grpc.count() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load.finish()
  }

  #lanes(transport: 'http' | 'grpc'): readonly Lane[] {
    const clients = this.#callers[transport]
    return [
      this.#lane(transport, 'createUser', () => createUser(clients)),
      // Not `getUser` of the HTTP client, which makes a call again whose connection was dropped: an order is placed once.
      this.#lane(transport, 'placeOrder', () => this.#place((userId) => placeOrder(clients, userId))),
      ...(transport === 'grpc'
        ? [this.#lane(transport, 'getUser', () => clients.users.getUser({ userId: this.#nextUser() }))]
        : this.#commands()),
    ]
  }

  #commands(): readonly Lane[] {
    const sender = this.#sender
    return sender ? [this.#lane('http', 'command', () => this.#place((userId) => sender.placeOrder(userId)))] : []
  }

  async #place(order: (userId: string) => Promise<unknown>): Promise<void> {
    const userId = this.#nextUser()
    await order(userId)
    this.placed.set(userId, (this.placed.get(userId) ?? 0) + 1)
  }

  #nextUser(): string {
    const userId = this.#userIds[this.#turn++ % this.#userIds.length]
    if (userId === undefined) throw new TypeError('no user was made')
    return userId
  }

  #lane(transport: 'http' | 'grpc', id: string, call: () => Promise<unknown>): Lane {
    const tally = this.#tallies[transport]
    return {
      id,
      send: async () => {
        tally.sent()
        try {
          await call()
          tally.note(id, { ok: true })
        } catch (error) {
          const code = ServiceError.is(error) ? error.code : 'unknown'
          tally.note(id, { ok: false, code, message: error instanceof Error ? error.message : String(error) })
        }
      },
    }
  }
}

let userCount = 0

export function createUser({ users: client }: ShopClients) {
  return client.createUser({ name: 'Ada', email: `ada.${process.pid}.${Date.now()}.${userCount++}@example.com` })
}

export function placeOrder({ orders: client }: ShopClients, userId: string) {
  return client.placeOrder({ userId, items: [{ sku: 'tea', quantity: 1, unitPriceCents: 350 }] })
}
