import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { User } from '@shop/contracts'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { npmStart } from './npm-start.ts'
import { type OwnProcess, runFile, temporaryFolder } from '../support/own-process.ts'
import { freePort, freePorts } from './shop.ts'

/** What became of the calls of a load. */
interface Tally {
  placedCount: number
  /** Answers other than those that refuse work because the service drains. */
  readonly unexpected: unknown[]
}

const callerCount = 8

describe('SIGTERM while orders are placed', { timeout: 60_000 }, () => {
  test('to npm start loses no order and no call that was let in, and what was not counted is counted next time', async () => {
    const dataDir = await temporaryFolder()
    await using npm = await npmStart({ DATA_DIR: dataDir })
    const placedCount = await stopWhilePlacing(npm, { user: npm.http('user'), order: npm.http('order') })
    expect(queryNumber(join(dataDir, 'order.db'), 'select count(*) as number from orders')).toBe(placedCount)
    await using again = await npmStart({ DATA_DIR: dataDir })
    const countOf = () => queryNumber(join(dataDir, 'user.db'), 'select order_count as number from users')
    await eventually(() => expect(countOf()).toBe(placedCount), { timeoutMs: 20_000 })
    again.child.kill('SIGTERM')
    expect(await again.ended).toBe(0)
  })

  test('to both services in one process loses no order, no event and no call that was let in', async () => {
    const [dataDir, userGrpcPort] = [await temporaryFolder(), String(await freePort())]
    const environment = { ...freePorts, USER_GRPC_PORT: userGrpcPort, DATA_DIR: dataDir, QUEUE_FILE: ':memory:' }
    await using shop = runFile('test/promise/fixture/one-process-service.ts', environment)
    const [{ user, order }] = (await once(shop.child, 'message')) as [Places]
    const placedCount = await stopWhilePlacing(shop, { user: `http://${user}`, order: `http://${order}` })
    expect({
      stored: queryNumber(join(dataDir, 'order.db'), 'select count(*) as number from orders'),
      counted: queryNumber(join(dataDir, 'user.db'), 'select order_count as number from users'),
    }).toEqual({ stored: placedCount, counted: placedCount })
  })
})

/** Where the services are. */
interface Places {
  readonly user: string
  readonly order: string
}

/** Sends SIGTERM in the middle of a load, and tells how many orders were placed. */
async function stopWhilePlacing(shop: OwnProcess, places: Places): Promise<number> {
  const user = (await post(`${places.user}/v1/users`, { name: 'Ada', email: 'ada@example.com' })).body as User
  const tally: Tally = { placedCount: 0, unexpected: [] }
  const callers = Array.from({ length: callerCount }, () =>
    placeUntilGone(`${places.order}/v1/orders`, { userId: user.userId, tally }),
  )
  await eventually(() => expect(tally.placedCount).toBeGreaterThan(100), { timeoutMs: 20_000 })
  shop.child.kill('SIGTERM')
  expect(await shop.ended).toBe(0)
  await Promise.all(callers)
  expect(tally.unexpected).toEqual([])
  // A call that was let in and failed leaves a line.
  expect(shop.output()).not.toContain('placeOrder failed')
  return tally.placedCount
}

interface Load {
  readonly userId: string
  readonly tally: Tally
}

/** Places one order after another until nobody listens any more. */
async function placeUntilGone(url: string, { userId, tally }: Load): Promise<void> {
  const items = [{ sku: 'tea', quantity: 1, unitPriceCents: 350 }]
  for (;;) {
    const reply = await post(url, { orderId: randomUUID(), userId, items }).catch(() => undefined)
    if (reply === undefined) return
    if (reply.status === 201) tally.placedCount += 1
    else if (!isDraining(reply)) tally.unexpected.push(reply)
  }
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

async function post(url: string, body: object): Promise<Reply> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

function isDraining({ status, body }: Reply): boolean {
  const { reason } = body as { readonly reason?: string }
  return status === 503 && reason === 'draining'
}

function queryNumber(file: string, sql: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return database.prepare(sql).get()?.['number']
  } finally {
    database.close()
  }
}
