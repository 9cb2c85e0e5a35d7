import { createHash, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { AuthTables } from './auth-database.ts'

/** An account that somebody asked for, and whose e-mail address is not confirmed yet. */
export interface Registration {
  readonly email: string
  readonly passwordHash: string
}

/** How long a code is good. A guess: letters may take a while. */
const lifetimeMs = 3_600_000

/** Keeps registrations until they are confirmed, by the hash of a code. */
export class RegistrationStore {
  readonly #database: Kysely<AuthTables>
  readonly #now: () => number

  constructor(database: Kysely<AuthTables>, now: () => number = Date.now) {
    this.#database = database
    this.#now = now
  }

  /** Gives the code by which it is confirmed: 256 random bits. */
  async add({ email, passwordHash }: Registration): Promise<string> {
    const code = randomBytes(32).toString('base64url')
    await this.#database
      .insertInto('registrations')
      .values({ code_hash: hashOf(code), email, password_hash: passwordHash, expires_at: this.#now() + lifetimeMs })
      .execute()
    return code
  }

  /** Undefined where there is none, or its hour is over. */
  async find(code: string): Promise<Registration | undefined> {
    const row = await this.#database
      .selectFrom('registrations')
      .select(['email', 'password_hash as passwordHash'])
      .where('code_hash', '=', hashOf(code))
      .where('expires_at', '>', this.#now())
      .executeTakeFirst()
    return row
  }

  async remove(code: string): Promise<void> {
    await this.#database.deleteFrom('registrations').where('code_hash', '=', hashOf(code)).execute()
  }

  async removeExpired(): Promise<void> {
    await this.#database.deleteFrom('registrations').where('expires_at', '<=', this.#now()).execute()
  }
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('hex')
}
