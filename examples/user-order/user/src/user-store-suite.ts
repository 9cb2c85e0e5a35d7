import { randomUUID } from 'node:crypto'
import { firstPlace } from '@shop/data'
import type { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import type { UserTables } from './user-database.ts'
import { UserStore } from './user-store.ts'

const { signal } = new AbortController()

/** What the store guarantees on every database. */
export function userStoreSuite(open: () => Promise<AsyncDisposable & { readonly database: Kysely<UserTables> }>): void {
  test('finds a user that was created, and no other', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    const created = await store.create({ name: 'Ada', email: 'Ada@example.com' })
    expect(created).toEqual({
      userId: expect.any(String),
      name: 'Ada',
      email: 'Ada@example.com',
      orderCount: 0,
    })
    expect(await store.find(created?.userId ?? '', signal)).toEqual(created)
    expect(await store.find(randomUUID(), signal)).toBeUndefined()
  })

  test('gives an e-mail address to one user, whatever its capitals and however many ask at once', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    const emails = ['ada@example.com', 'ADA@example.com', 'Ada@Example.com', 'ada@example.com']
    const created = await Promise.all(emails.map((email) => store.create({ name: 'Ada', email })))
    expect(created.filter((user) => user !== undefined)).toHaveLength(1)
    expect(await store.create({ name: 'Bob', email: 'bob@example.com' })).toBeDefined()
  })

  test('lists users page by page, oldest first', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    for (const name of ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve']) await store.create({ name, email: `${name}@example.com` })
    const first = await store.list(2, firstPlace, signal)
    const second = await store.list(2, first.next ?? firstPlace, signal)
    const third = await store.list(2, second.next ?? firstPlace, signal)
    const pages = [first, second, third].map(({ users }) => users.length)
    const names = [first, second, third].flatMap(({ users }) => users.map(({ name }) => name))
    expect({ pages, names: names.toSorted(), next: third.next }).toEqual({
      pages: [2, 2, 1],
      names: ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve'],
      next: undefined,
    })
  })

  test('counts an order once, also when it is told several times at once', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    const { userId = '' } = (await store.create({ name: 'Ada', email: 'ada@example.com' })) ?? {}
    const [one, other] = [randomUUID(), randomUUID()]
    await Promise.all([one, other, one, one, other].map((orderId) => store.countOrder(orderId, userId)))
    expect(await store.find(userId, signal)).toMatchObject({ orderCount: 2 })
  })

  test('takes an id in capitals for the same id', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    const created = await store.create({ name: 'Ada', email: 'ada@example.com' })
    const [userId, orderId] = [created?.userId ?? '', randomUUID()]
    await store.countOrder(orderId, userId)
    await store.countOrder(orderId.toUpperCase(), userId.toUpperCase())
    expect(await store.find(userId.toUpperCase(), signal)).toEqual({ ...created, orderCount: 1 })
  })

  test('counts no order of a user that does not exist, and still counts it when the user does', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    const [orderId, unknown] = [randomUUID(), randomUUID()]
    await expect(store.countOrder(orderId, unknown)).rejects.toMatchObject({ code: 'not_found' })
    const { userId = '' } = (await store.create({ name: 'Ada', email: 'ada@example.com' })) ?? {}
    await store.countOrder(orderId, userId)
    expect(await store.find(userId, signal)).toMatchObject({ orderCount: 1 })
  })

  test('announces what was created and counted, and nothing that did not change', async () => {
    await using opened = await open()
    const store = new UserStore(opened.database)
    const watching = new AbortController()
    const changes = store.changes(watching.signal)
    const { userId = '' } = (await store.create({ name: 'Ada', email: 'ada@example.com' })) ?? {}
    await store.create({ name: 'Ada', email: 'ada@example.com' })
    const orderId = randomUUID()
    await store.countOrder(orderId, userId)
    await store.countOrder(orderId, userId)
    watching.abort()
    const counts: number[] = []
    for await (const { orderCount } of changes) counts.push(orderCount)
    expect(counts).toEqual([0, 1])
  })
}
