import { expect, it } from 'vitest'
import { PublishOrder } from './publisher-order.ts'

const kind = {}

it('lets nobody go before all those ahead have gone, also when one gives up', async () => {
  const order = new PublishOrder()
  expect(order.before(kind)).toBeUndefined()
  const [first, second] = [order.enter(kind), order.enter(kind)]
  const third = order.before(kind)?.then(() => 'goes')
  second()
  expect(await Promise.race([third, nextTurn()])).toBe('waits')
  first()
  expect(await third).toBe('goes')
  expect(order.before(kind)).toBeUndefined()
})

it('still knows of the last when the first has gone', async () => {
  const order = new PublishOrder()
  const [first, second] = [order.enter(kind), order.enter(kind)]
  first()
  await nextTurn()
  expect(order.before(kind)).toBeInstanceOf(Promise)
  second()
  await nextTurn()
  expect(order.before(kind)).toBeUndefined()
})

it('tells kinds apart', () => {
  const order = new PublishOrder()
  order.enter(kind)
  expect(order.before({})).toBeUndefined()
})

function nextTurn(): Promise<string> {
  return new Promise((resolve) => setImmediate(() => resolve('waits')))
}
