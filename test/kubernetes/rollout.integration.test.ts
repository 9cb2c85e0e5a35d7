import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterAbsence } from '../support/cluster.ts'
import { requireServers } from './servers.ts'
import { openSender } from './command-sender.ts'
import { loadImages } from './images.ts'
import { ShopCluster } from './shop-cluster.ts'
import { createUser, placeOrder, requireNoFailure, ShopCallers, ShopLoad } from './shop-load.ts'

const absence = clusterAbsence()
/** Calls a second, all operations and transports together. */
const rate = 30
/** Rolling updates of each service. */
const rollCount = Number(process.env['TENON_CLUSTER_ROLLS'] ?? 1)
/** Pods of each service that are deleted one after the other. */
const deletionCount = Number(process.env['TENON_CLUSTER_DELETIONS'] ?? 0)

describe.skipIf(absence)(`in a cluster${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let cluster: ShopCluster
  beforeAll(async () => {
    await loadImages()
    cluster = await ShopCluster.open(requireServers())
  }, 600_000)
  afterAll(async () => cluster?.[Symbol.asyncDispose](), 180_000)

  test('takes an order over each transport, and tells the user service of it', { timeout: 120_000 }, async () => {
    await using callers = new ShopCallers(cluster.places)
    await using sender = await openSender(requireServers().brokersHere)
    const { userId } = await createUser(callers.http)
    await placeOrder(callers.http, userId)
    await placeOrder(callers.grpc, userId)
    await sender.placeOrder(userId)
    await eventually(
      async () => expect(await callers.grpc.users.getUser({ userId })).toMatchObject({ orderCount: 3 }),
      { timeoutMs: 60_000 },
    )
  })

  test('lets the pods reach the declared peers, and nobody else', async () => {
    const { brokers } = requireServers()
    const servers = [...brokers.split(','), cluster.database.address]
    expect(await cluster.declaredPeers('user')).toEqual(new Set(servers))
    expect(await cluster.declaredPeers('order')).toEqual(new Set([...servers, 'user:50051']))
  })

  test(`loses no call and no message in ${rollCount} rolling updates and ${deletionCount} deletions of each`, {
    timeout: 120_000 + (rollCount + deletionCount) * 300_000,
  }, async () => {
    await using callers = new ShopCallers(cluster.places)
    await using sender = await openSender(requireServers().brokersHere)
    await using load = new ShopLoad(callers, rate, sender)
    await load.start(20)
    for (let roll = 0; roll < rollCount; roll++) for (const name of ['user', 'order'] as const) await cluster.roll(name)
    for (let count = 0; count < deletionCount; count++)
      for (const name of ['user', 'order'] as const) await cluster.deleteOne(name, count)
    requireNoFailure(await load.finish())
    await eventually(async () => expect(await countsOf(callers, load.placed.keys())).toEqual(new Map(load.placed)), {
      timeoutMs: 120_000,
      intervalMs: 1_000,
    })
  })
})

/** How many orders the user service has counted, by user. */
async function countsOf(callers: ShopCallers, userIds: Iterable<string>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const userId of userIds) {
    const { orderCount } = await callers.grpc.users.getUser({ userId })
    counts.set(userId, orderCount)
  }
  return counts
}
