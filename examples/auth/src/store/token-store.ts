import type { RefreshFamily, RefreshTokenStore, SigningKeyStore } from '@tenon/auth'
import type { Kysely } from 'kysely'
import type { AuthTables } from './auth-database.ts'

/** Keeps logins in the database. Each step is one statement, so that instances need no lock. */
export function refreshTokenTable(database: Kysely<AuthTables>): RefreshTokenStore {
  return {
    async add({ id, subject, tokenHash, expiresAt, endsAt }) {
      await database
        .insertInto('refresh_families')
        .values({ family_id: id, subject, token_hash: tokenHash, expires_at: expiresAt, ends_at: endsAt })
        .execute()
    },
    async find(familyId): Promise<RefreshFamily | undefined> {
      const row = await database
        .selectFrom('refresh_families')
        .selectAll()
        .where('family_id', '=', familyId)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const { subject, token_hash: tokenHash, expires_at: expiresAt, ends_at: endsAt } = row
      return { id: familyId, subject, tokenHash, expiresAt, endsAt }
    },
    async replace(familyId, usedHash, { tokenHash, expiresAt }) {
      const { numUpdatedRows } = await database
        .updateTable('refresh_families')
        .set({ token_hash: tokenHash, expires_at: expiresAt })
        .where('family_id', '=', familyId)
        .where('token_hash', '=', usedHash)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    async remove(familyId) {
      await database.deleteFrom('refresh_families').where('family_id', '=', familyId).execute()
    },
    async removeExpired(at) {
      await database.deleteFrom('refresh_families').where('expires_at', '<=', at).execute()
    },
  }
}

/** Keeps signing keys in the database, where all instances find them. */
export function signingKeyTable(database: Kysely<AuthTables>): SigningKeyStore {
  return {
    async list() {
      const rows = await database.selectFrom('signing_keys').selectAll().execute()
      return rows.map((row) => ({
        id: row.key_id,
        createdAt: row.created_at,
        privateKey: JSON.parse(row.private_key) as Record<string, unknown>,
      }))
    },
    async add({ id, createdAt, privateKey }) {
      await database
        .insertInto('signing_keys')
        .values({ key_id: id, created_at: createdAt, private_key: JSON.stringify(privateKey) })
        .execute()
    },
    async remove(keyId) {
      await database.deleteFrom('signing_keys').where('key_id', '=', keyId).execute()
    },
  }
}
