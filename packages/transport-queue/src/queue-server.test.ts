import { event } from '@tenon/core/contract'
import type { Outcome } from '@tenon/core/transport'
import Type from 'typebox'
import { expect, test } from 'vitest'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import type { QueueDriver, QueueMember } from './queue-driver.ts'
import { host } from './queue-transport.test-harness.ts'
import { queueTransport } from './queue-transport.ts'

test('closes its connection though a group cannot be left, once all others are, and tells which could not', async () => {
  const told: string[] = []
  const { server, leave } = serverOf(['broken', 'slow'], told)
  await server.listen()
  const closed = server.close()
  leave('broken', new Error('the coordinator is gone'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(told).toEqual([])
  leave('slow')
  await expect(closed).rejects.toMatchObject({ errors: [{ message: 'the coordinator is gone' }] })
  expect(told).toEqual(['connection closed'])
})

/** A server of these groups, which it leaves when it is let; what of its connection is closed is told. */
function serverOf(groups: readonly string[], told: string[]) {
  const driver = memoryDriver({ broker: memoryBroker() })
  const leaves = new Map(groups.map((group) => [group, Promise.withResolvers<void>()]))
  const close = driver.close.bind(driver)
  Object.assign(driver, {
    join: (async ({ group }): Promise<QueueMember> => ({
      state: 'assigned',
      leave: async () => leaves.get(group)?.promise,
    })) satisfies QueueDriver['join'],
    close: async () => {
      told.push('connection closed')
      await close()
    },
  })
  const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
  const dispatch = async (): Promise<Outcome> => ({ ok: true, value: undefined, callId: 'c', headers: undefined })
  const events = groups.map((group) => ({ event: placed, group, delivery: {}, dispatch }))
  const server = queueTransport({ driver }).bind({ ...host, events })
  const leave = (group: string, failure?: Error) =>
    failure === undefined ? leaves.get(group)?.resolve() : leaves.get(group)?.reject(failure)
  return { server, leave }
}
