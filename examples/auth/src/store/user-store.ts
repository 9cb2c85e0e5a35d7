import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { AuthTables } from './auth-database.ts'

export interface User {
  readonly userId: string
  readonly email: string
  readonly passwordHash: string
}

/** Keeps users. Capitals make no other e-mail address. */
export class UserStore {
  readonly #database: Kysely<AuthTables>

  constructor(database: Kysely<AuthTables>) {
    this.#database = database
  }

  /** Whether there is a new user; false where the e-mail address belongs to one, who stays as they are. */
  async create(email: string, passwordHash: string): Promise<boolean> {
    // The unique column decides: asking first would let two callers in at once.
    const row = await this.#database
      .insertInto('users')
      .values({ user_id: randomUUID(), email: sameEmail(email), password_hash: passwordHash })
      .onConflict((conflict) => conflict.doNothing())
      .returning('user_id')
      .executeTakeFirst()
    return row !== undefined
  }

  findByEmail(email: string, signal: AbortSignal): Promise<User | undefined> {
    return this.#find('email', sameEmail(email), signal)
  }

  find(userId: string, signal: AbortSignal): Promise<User | undefined> {
    return this.#find('user_id', userId, signal)
  }

  async changeHash(userId: string, passwordHash: string): Promise<void> {
    await this.#database
      .updateTable('users')
      .set({ password_hash: passwordHash })
      .where('user_id', '=', userId)
      .execute()
  }

  async #find(column: 'email' | 'user_id', value: string, signal: AbortSignal): Promise<User | undefined> {
    const row = await this.#database
      .selectFrom('users')
      .selectAll()
      .where(column, '=', value)
      .executeTakeFirst({ signal })
    return row && { userId: row.user_id, email: row.email, passwordHash: row.password_hash }
  }
}

/** The form in which an e-mail address is kept and compared. */
export function sameEmail(email: string): string {
  return email.toLowerCase()
}
