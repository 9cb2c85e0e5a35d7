import { randomUUID } from 'node:crypto'
import { orderPlaced, users } from '@shop/contracts'
import { ServiceError } from '@tenon/core'
import { override, testService } from '@tenon/testing'
import { expect, test } from 'vitest'
import { service } from './service.ts'
import { UserStore } from './user-store.ts'

/** A database of the test's own; everything else is the service as it is. */
const config = { dataDir: ':memory:' }

const ada = { name: 'Ada', email: 'ada@example.com' }

test('creates a user, and finds it again', async () => {
  await using user = await testService(service, { config })
  const created = await user.call(users.createUser, ada)
  expect(created).toMatchObject({ ...ada, orderCount: 0 })
  expect(await user.call(users.getUser, { userId: created.userId })).toEqual(created)
})

test('tells what is wrong with an input, and what it cannot do', async () => {
  await using user = await testService(service, { config })
  await expect(user.call(users.createUser, { ...ada, email: 'ada' })).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { violations: [{ field: '/email', rule: 'format' }] },
  })
  await user.call(users.createUser, ada)
  await expect(user.call(users.createUser, { ...ada, email: 'ADA@example.com' })).rejects.toMatchObject({
    code: 'already_exists',
  })
  await expect(user.call(users.getUser, { userId: randomUUID() })).rejects.toMatchObject({ code: 'not_found' })
})

test('counts the orders of a user, each once however often its message comes', async () => {
  await using user = await testService(service, { config })
  const { userId } = await user.call(users.createUser, ada)
  const order = { orderId: randomUUID(), userId, items: [], totalCents: 0, placedAt: '2026-01-01T00:00:00Z' }
  const items = [{ sku: 'tea', quantity: 1, unitPriceCents: 350 }]
  for (const attempt of [1, 2])
    expect(await user.publish(orderPlaced, { ...order, items }, { attempt })).toMatchObject({ ok: true })
  // Messages that do not fit never reach the handler.
  expect(await user.publish(orderPlaced, order)).toMatchObject({ ok: false, error: { code: 'invalid_argument' } })
  expect(await user.call(users.getUser, { userId })).toMatchObject({ orderCount: 1 })
})

test('a watch tells of every user that is created from now on, until the service drains', async () => {
  await using user = await testService(service, { config })
  const changes = user.call(users.watchUsers, {})
  // The watch begins with the first wait.
  const first = changes.next()
  const created = await user.call(users.createUser, ada)
  expect(await first).toEqual({ done: false, value: created })
  const end = changes.next()
  expect(await user.stop()).toMatchObject({ exitCode: 0 })
  expect(await end).toMatchObject({ done: true })
})

test('a database that is down is an internal error, whose cause stays in the log', async () => {
  await using user = await testService(service, {
    config,
    overrides: [
      override(UserStore, {
        find: async () => {
          throw new Error('connection refused by 10.0.0.7')
        },
      }),
    ],
  })
  const call = user.call(users.getUser, { userId: randomUUID() })
  await expect(call).rejects.toThrow(new ServiceError('internal', 'an internal error occurred'))
  expect(user.log.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { operation: users.getUser.id } }])
})
