import {
  memoryRefreshTokens,
  memorySigningKeys,
  refreshTokens,
  type RefreshTokenStore,
  type SigningKeyStore,
} from '@tenon/auth'
import type { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import type { AuthTables } from './auth-database.ts'
import type { RegistrationStore } from './registration-store.ts'
import type { UserStore } from './user-store.ts'

const { signal } = new AbortController()

export interface OpenedStores extends AsyncDisposable {
  readonly database: Kysely<AuthTables>
  readonly users: UserStore
  readonly registrations: RegistrationStore
  readonly refreshTokens: RefreshTokenStore
  readonly signingKeys: SigningKeyStore
}

/** What the stores guarantee on every database. */
export function authStoreSuite(open: (now?: () => number) => Promise<OpenedStores>): void {
  test('gives an e-mail address to one user, whatever its capitals and however many ask at once', async () => {
    await using stores = await open()
    const emails = ['ada@example.com', 'ADA@example.com', 'Ada@Example.com', 'ada@example.com']
    const created = await Promise.all(emails.map((email, index) => stores.users.create(email, `hash ${index}`)))
    expect(created.filter(Boolean)).toHaveLength(1)
    const user = await stores.users.findByEmail('aDa@example.com', signal)
    expect(user).toMatchObject({ email: 'ada@example.com', passwordHash: `hash ${created.indexOf(true)}` })
    await stores.users.changeHash(user?.userId ?? '', 'another')
    expect(await stores.users.find(user?.userId ?? '', signal)).toEqual({ ...user, passwordHash: 'another' })
    expect(await stores.users.findByEmail('bob@example.com', signal)).toBeUndefined()
  })

  test('finds a registration by its code for an hour, and by no other', async () => {
    const clock = { now: 1_790_000_000_000 }
    await using stores = await open(() => clock.now)
    const ada = { email: 'ada@example.com', passwordHash: 'a' }
    const codes = [await stores.registrations.add(ada), await stores.registrations.add({ ...ada, passwordHash: 'b' })]
    const [first = '', second = ''] = codes
    expect(await stores.registrations.find(first)).toEqual(ada)
    const kept = JSON.stringify(await stores.database.selectFrom('registrations').selectAll().execute())
    for (const code of codes) expect(kept).not.toContain(code)
    expect(await stores.registrations.find(`${first}x`)).toBeUndefined()
    await stores.registrations.remove(first)
    clock.now += 3_599_999
    await stores.registrations.removeExpired()
    expect(await Promise.all(codes.map((code) => stores.registrations.find(code)))).toEqual([
      undefined,
      { ...ada, passwordHash: 'b' },
    ])
    clock.now += 1
    expect(await stores.registrations.find(second)).toBeUndefined()
    await stores.registrations.removeExpired()
    clock.now -= 1
    expect(await stores.registrations.find(second)).toBeUndefined()
  })

  test('does with logins what the store in memory does', async () => {
    await using stores = await open()
    const family = { id: 'f1', subject: 'ada', tokenHash: 'a', expiresAt: 1_790_000_000_001, endsAt: 1_790_000_000_003 }
    const tell = async (store: RefreshTokenStore) => {
      await store.add(family)
      await store.add({ ...family, id: 'f2', expiresAt: 5 })
      return [
        await store.find('f1'),
        await store.replace('f1', 'x', { tokenHash: 'b', expiresAt: 7 }),
        await store.replace('f3', 'a', { tokenHash: 'b', expiresAt: 7 }),
        await store.replace('f1', 'a', { tokenHash: 'b', expiresAt: 1_790_000_000_002 }),
        await store.find('f1'),
        await store.removeExpired(5),
        await store.find('f2'),
        await store.remove('f1'),
        await store.find('f1'),
        await store.remove('f1'),
      ]
    }
    const told = await tell(stores.refreshTokens)
    expect(told[0]).toEqual(family)
    expect(told).toEqual(await tell(memoryRefreshTokens()))
  })

  test('lets one of many uses of a refresh token at once win, and trusts none of them afterwards', async () => {
    await using stores = await open()
    // As many instances over one database.
    const instances = Array.from({ length: 8 }, () => refreshTokens({ store: stores.refreshTokens }))
    for (let round = 0; round < 5; round += 1) {
      const { token } = (await instances[0]?.issue('ada')) ?? { token: '' }
      const results = await Promise.allSettled(instances.map((tokens) => tokens.refresh(token)))
      const won = results.filter((result) => result.status === 'fulfilled')
      expect(won).toHaveLength(1)
      await expect(instances[0]?.refresh(won[0]?.value.token ?? '')).rejects.toMatchObject({ code: 'unauthenticated' })
    }
  })

  test('does with signing keys what the store in memory does', async () => {
    await using stores = await open()
    const key = { id: 'k1', createdAt: 1_790_000_000_001, privateKey: { kty: 'EC', d: 'secret' } }
    const tell = async (store: SigningKeyStore) => {
      await store.add(key)
      await store.add({ ...key, id: 'k2' })
      await store.remove('k2')
      await store.remove('k2')
      return store.list()
    }
    const told = await tell(stores.signingKeys)
    expect(told).toEqual([key])
    expect(told).toEqual(await tell(memorySigningKeys()))
  })
}
