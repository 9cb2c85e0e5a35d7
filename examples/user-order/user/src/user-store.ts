import { randomUUID } from 'node:crypto'
import type { User } from '@shop/contracts'
import { ChangeFeed, type Place, sameId } from '@shop/data'
import { ServiceError } from '@tenon/core'
import type { Kysely, Selectable } from 'kysely'
import type { UserTables } from './user-database.ts'

/** One page of a list, and where the next one begins; `next` is undefined on the last page. */
export interface UserPage {
  readonly users: User[]
  readonly next: Place | undefined
}

/** Keeps users and counts their orders. Every change is announced once it is committed. */
export class UserStore {
  readonly #database: Kysely<UserTables>
  readonly #changes = new ChangeFeed<User>()

  constructor(database: Kysely<UserTables>) {
    this.#database = database
  }

  /** The new user, or undefined when the e-mail address belongs to another. */
  async create({ name, email }: Pick<User, 'name' | 'email'>): Promise<User | undefined> {
    // The unique index decides: asking first would let two callers in at once.
    const row = await this.#database
      .insertInto('users')
      .values({ user_id: randomUUID(), name, email, order_count: 0, created_at: new Date().toISOString() })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return undefined
    const user = toUser(row)
    this.#changes.announce(user)
    return user
  }

  async find(userId: string, signal: AbortSignal): Promise<User | undefined> {
    const row = await this.#database
      .selectFrom('users')
      .selectAll()
      .where('user_id', '=', sameId(userId))
      .executeTakeFirst({ signal })
    return row && toUser(row)
  }

  /** The users after a place, oldest first. */
  async list(pageSize: number, after: Place, signal: AbortSignal): Promise<UserPage> {
    const rows = await this.#database
      .selectFrom('users')
      .selectAll()
      .where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'user_id'), '>', tuple(...after)))
      .orderBy('created_at')
      .orderBy('user_id')
      // One more than the page holds tells whether there is another page.
      .limit(pageSize + 1)
      .execute({ signal })
    const page = rows.slice(0, pageSize)
    const last = rows.length > pageSize ? page.at(-1) : undefined
    return { users: page.map(toUser), next: last && [last.created_at, last.user_id] }
  }

  /**
   * Counts an order of a user, once however often it is told.
   *
   * @throws ServiceError `not_found` when there is no such user.
   */
  async countOrder(orderId: string, userId: string): Promise<void> {
    const row = await this.#database.transaction().execute(async (transaction) => {
      const counted = await transaction
        .insertInto('counted_orders')
        .values({ order_id: sameId(orderId), user_id: sameId(userId) })
        .onConflict((conflict) => conflict.doNothing())
        .returning('order_id')
        .executeTakeFirst()
      if (counted === undefined) return undefined
      return transaction
        .updateTable('users')
        .set(({ eb }) => ({ order_count: eb('order_count', '+', 1) }))
        .where('user_id', '=', sameId(userId))
        .returningAll()
        .executeTakeFirstOrThrow(() => new ServiceError('not_found', `user ${userId} does not exist`))
    })
    if (row) this.#changes.announce(toUser(row))
  }

  /** Users as they are created or change, from now on until the signal fires. */
  changes(signal: AbortSignal): AsyncIterable<User> {
    return this.#changes.watch(signal)
  }
}

function toUser(row: Selectable<UserTables['users']>): User {
  return { userId: row.user_id, name: row.name, email: row.email, orderCount: row.order_count }
}
