import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { User } from '@shop/contracts'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { run, temporaryFolder } from './own-process.ts'
import { freePort, freePorts } from './shop.ts'

/** What became of the calls of a load. */
interface Tally {
  placedCount: number
  /** Answers other than those that refuse work because the service drains. */
  readonly unexpected: unknown[]
}

const callerCount = 8

describe('SIGTERM to both services in one process, while orders are placed', { timeout: 60_000 }, () => {
  test('loses no order, no event and no call that was let in', async () => {
    const [dataDir, userGrpcPort] = [await temporaryFolder(), String(await freePort())]
    const environment = { ...freePorts, USER_GRPC_PORT: userGrpcPort, DATA_DIR: dataDir }
    await using npm = run('npm', ['start'], environment)
    await npm.printed('Try:')
    const at = (service: string) => new RegExp(`^${service} +http (http://\\S+)`, 'm').exec(npm.output())?.[1] ?? ''
    const user = (await post(`${at('user')}/v1/users`, { name: 'Ada', email: 'ada@example.com' })).body as User
    const tally: Tally = { placedCount: 0, unexpected: [] }
    const callers = Array.from({ length: callerCount }, () =>
      placeUntilGone(`${at('order')}/v1/orders`, { userId: user.userId, tally }),
    )
    await eventually(() => expect(tally.placedCount).toBeGreaterThan(100), { timeoutMs: 20_000 })
    npm.child.kill('SIGTERM')
    expect(await npm.ended).toBe(0)
    await Promise.all(callers)
    expect(tally.unexpected).toEqual([])
    // A call that was let in and failed leaves a line.
    expect(npm.output()).not.toContain('placeOrder failed')
    expect({
      stored: queryNumber(join(dataDir, 'order.db'), 'select count(*) as number from orders'),
      counted: queryNumber(join(dataDir, 'user.db'), 'select order_count as number from users'),
    }).toEqual({ stored: tally.placedCount, counted: tally.placedCount })
  })
})

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
