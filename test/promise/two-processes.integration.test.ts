import { randomUUID } from 'node:crypto'
import type { Order, User } from '@shop/contracts'
import { postgresAbsence, temporaryPostgres } from '@shop/data/testing'
import { eventually } from '@tenon/testing'
import { kafkajsDriver } from '@tenon/transport-queue'
import { describe, expect, test } from 'vitest'
import { dockerAbsence, startShopContainer } from '../compose/shop-container.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { startShopProcess } from './shop-process.ts'
import { followTopic, sendRaw } from './topic.ts'

const brokers = process.env['KAFKA_BROKERS'] ?? ''
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const absence = brokers === '' && !isRequired ? 'KAFKA_BROKERS names no broker' : undefined

const placedTopic = 'shop.order.placed.v1'
const items = [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }]
const patiently = { timeoutMs: 20_000, intervalMs: 50 }

async function startBoth(environment: Readonly<Record<string, string>>, start: typeof startShopProcess) {
  const user = await start('user', environment)
  const order = await start('order', { ...environment, USER_ADDRESS: `static:///${user.at('grpc')}` })
  const post = async (url: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(response.status).toBe(201)
    return response.json()
  }
  return {
    services: [user, order],
    createUser: async () => {
      const email = `${randomUUID()}@example.com`
      return (await post(`http://${user.at('http')}/v1/users`, { name: 'Ada', email })) as User
    },
    placeOrder: async (userId: string) =>
      (await post(`http://${order.at('http')}/v1/orders`, { userId, items })) as Order,
    orderCount: async (userId: string) => {
      const response = await fetch(`http://${user.at('http')}/v1/users/${userId}`)
      return ((await response.json()) as User).orderCount
    },
    [Symbol.asyncDispose]: async () => {
      await user[Symbol.asyncDispose]()
      await order[Symbol.asyncDispose]()
    },
  }
}

async function connectToKafka() {
  const driver = kafkajsDriver({ brokers: brokers.split(',') })
  await driver.connect({ clientId: 'tenon-test' })
  return { driver, [Symbol.asyncDispose]: () => driver.close() }
}

async function check(environment: Readonly<Record<string, string>>, start = startShopProcess): Promise<void> {
  await using kafka = await connectToKafka()
  await using shop = await startBoth(environment, start)
  await using placed = await followTopic(kafka.driver, placedTopic)
  await using deadLetters = await followTopic(kafka.driver, `${placedTopic}.dlq.user`)
  const { userId } = await shop.createUser()

  const first = await shop.placeOrder(userId)
  await eventually(async () => expect(await shop.orderCount(userId)).toBe(1), patiently)
  const message = await eventually(() => {
    const found = placed.messages.find(({ value }) => value.includes(first.orderId))
    expect(found).toBeDefined()
    return found
  }, patiently)
  expect(message).toMatchObject({ key: userId, headers: { ce_type: placedTopic, ce_source: 'order' } })

  // The same key, so the same partition: the good message stands behind the garbage.
  const garbage = `garbage ${randomUUID()}`
  await sendRaw(kafka.driver, { topic: placedTopic, key: userId, value: garbage })
  await shop.placeOrder(userId)
  await eventually(async () => expect(await shop.orderCount(userId)).toBe(2), patiently)
  const letter = await eventually(() => {
    const found = deadLetters.messages.find(({ value }) => value === garbage)
    expect(found).toBeDefined()
    return found
  }, patiently)
  expect(letter).toMatchObject({ key: userId, headers: { 'tenon-error-code': 'invalid_argument' } })

  const command = JSON.stringify({ orderId: randomUUID(), userId, items })
  for (const _time of [1, 2]) {
    await sendRaw(kafka.driver, { topic: 'shop.order.place.v1', key: userId, value: command })
  }
  await eventually(async () => expect(await shop.orderCount(userId)).toBe(3), patiently)

  for (const { child } of shop.services) child.kill('SIGTERM')
  expect(await Promise.all(shop.services.map(({ ended }) => ended))).toEqual([0, 0])
}

describe.skipIf(absence)(`two processes on one Kafka${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test.each(['kafkajs', 'platformatic'])(
    'count each order once, and one bad message holds nobody up, through %s',
    { timeout: 120_000 },
    async (client) => {
      const environment = { KAFKA_BROKERS: brokers, KAFKA_CLIENT: client }
      await check({ ...environment, DATA_DIR: await temporaryFolder(), DATABASE_URL: '' })
    },
  )

  const noPostgres = postgresAbsence()
  test.skipIf(noPostgres)(
    `do the same on one PostgreSQL${noPostgres ? ` (skipped: ${noPostgres})` : ''}`,
    { timeout: 120_000 },
    async () => {
      await using postgres = await temporaryPostgres()
      await check({ KAFKA_BROKERS: brokers, DATABASE_URL: postgres.url })
    },
  )

  // Here and not in a file of its own, which would take the messages of these: files run side by side.
  const noContainers = dockerAbsence() ?? noPostgres
  test.skipIf(noContainers)(
    `do the same in containers, as compose.yaml has them${noContainers ? ` (skipped: ${noContainers})` : ''}`,
    { timeout: 900_000 },
    async () => {
      await using postgres = await temporaryPostgres()
      await check({ KAFKA_BROKERS: brokers, DATABASE_URL: postgres.url }, startShopContainer)
    },
  )
})
