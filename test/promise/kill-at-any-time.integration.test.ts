import { randomInt, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { eventually } from '@tenon/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startKillableShop, startKillableStart } from './killable-shop.ts'
import { temporaryFolder } from '../support/own-process.ts'
import type { ShopServiceName } from './shop-process.ts'

const brokers = process.env['KAFKA_BROKERS'] ?? ''
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const noKafka = brokers === '' && !isRequired ? 'KAFKA_BROKERS names no broker' : undefined
const seed = Number(process.env['TENON_SEED'] ?? randomInt(2 ** 31))

const alone = { started: 'alone', start: startKillableShop }
const together = { started: 'by npm start', start: startKillableStart }
const kafka = { KAFKA_BROKERS: brokers, KAFKA_CLIENT: 'kafkajs' }
/** Who is killed on a broker is missed only when its session ends, which takes minutes: for the long run, with `TENON_KILLS=all`. */
const isLongRun = process.env['TENON_KILLS'] === 'all'
const onKafka = [
  { queue: 'Kafka', environment: kafka, starts: [alone, together], absence: noKafka },
  {
    queue: 'Kafka, through platformatic',
    environment: { ...kafka, KAFKA_CLIENT: 'platformatic' },
    starts: [together],
    absence: noKafka,
  },
]
const queues = [
  { queue: 'a file', environment: { KAFKA_BROKERS: '' }, starts: [alone, together], absence: undefined },
  ...(isLongRun ? onKafka : []),
]
const userCount = 4
const ordersOfUser = 40

/** A moment of the load, and who is killed then. */
interface Kill {
  readonly victim: ShopServiceName
  /** When so many orders have been answered. */
  readonly answeredCount: number
  /** And so many turns of the event loop later. */
  readonly turnCount: number
}

/** One kill in each third of the first three quarters; each service is among those who are killed. */
const kills = fc
  .tuple(fc.constantFrom<ShopServiceName>('user', 'order'), fc.tuple(momentOf(0), momentOf(1), momentOf(2)))
  .map(([first, moments]) => moments.map((moment, index): Kill => ({ ...moment, victim: inTurn(first, index) })))

function momentOf(third: number) {
  const length = Math.floor((userCount * ordersOfUser) / 4)
  const answeredCount = fc.integer({ min: third * length + 1, max: (third + 1) * length })
  return fc.record({ answeredCount, turnCount: fc.nat(200) })
}

function inTurn(first: ShopServiceName, index: number): ShopServiceName {
  if (index % 2 === 0) return first
  return first === 'user' ? 'order' : 'user'
}

describe.each(queues)('kill -9 while orders are placed, messages in $queue', ({ environment, starts, absence }) => {
  const drawn = fc.sample(kills, { seed, numRuns: starts.length })
  const cases = starts.map((each, index) => ({ ...each, plan: drawn[index] ?? [] }))

  test.skipIf(absence).each(cases)(
    `loses no order and keeps those of a user in their sequence, services started $started (TENON_SEED=${seed}${absence ? `; skipped: ${absence}` : ''})`,
    { timeout: 300_000 },
    async ({ start, plan }) => {
      const dataDir = await temporaryFolder()
      await using shop = await start({ DATABASE_URL: '', QUEUE_FILE: '', DATA_DIR: dataDir, ...environment })
      const userIds = await Promise.all(Array.from({ length: userCount }, () => shop.createUser()))
      const placed = new Map(userIds.map((userId) => [userId, [] as string[]]))
      let answeredCount = 0
      const load = Promise.all(
        Array.from(placed, async ([userId, orderIds]) => {
          while (orderIds.length < ordersOfUser) {
            orderIds.push(await shop.placeOrder(userId, randomUUID()))
            answeredCount += 1
          }
        }),
      )
      for (const kill of plan) {
        await eventually(() => expect(answeredCount).toBeGreaterThanOrEqual(kill.answeredCount), {
          timeoutMs: 60_000,
          intervalMs: 1,
        })
        for (let turn = 0; turn < kill.turnCount; turn++) await setImmediate()
        await shop.killAndRestart(kill.victim)
      }
      await load
      const counted = () => userIds.map((userId) => countedOrders(join(dataDir, 'user.db'), userId))
      await eventually(() => expect(counted().map(({ length }) => length)).toEqual(userIds.map(() => ordersOfUser)), {
        // A broker takes a consumer that was killed for alive until its session ends.
        timeoutMs: environment.KAFKA_BROKERS === '' ? 30_000 : 120_000,
        intervalMs: 100,
      })
      expect(counted()).toEqual([...placed.values()])
      await shop.stop()
    },
  )
})

/** The orders of a user that were counted, in the sequence in which they were. */
function countedOrders(file: string, userId: string): readonly unknown[] {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const rows = database.prepare('select order_id from counted_orders where user_id = ? order by rowid').all(userId)
    return rows.map((row) => row['order_id'])
  } finally {
    database.close()
  }
}
