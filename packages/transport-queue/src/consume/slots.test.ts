import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

const never = new AbortController().signal

test('gives a place that comes free to whoever waits longest', async () => {
  const slots = new Slots(1)
  expect(slots.takeNow()).toBe(true)
  expect(slots.takeNow()).toBe(false)
  const order: string[] = []
  const waiting = ['first', 'second'].map((name) => slots.take(never).then(() => order.push(name)))
  slots.release()
  await waiting[0]
  expect(order).toEqual(['first'])
  slots.release()
  await waiting[1]
  slots.release()
  expect(slots.takeNow()).toBe(true)
})

test('lets go of all that wait with a signal when it fires, and of no others', async () => {
  const slots = new Slots(1)
  slots.takeNow()
  const controller = new AbortController()
  const [one, other, stays] = [slots.take(controller.signal), slots.take(controller.signal), slots.take(never)]
  controller.abort()
  expect(await Promise.all([one, other])).toEqual([false, false])
  expect(await slots.take(controller.signal)).toBe(false)
  slots.release()
  expect(await stays).toBe(true)
})

test('serves thousands in their order, also when some of them have left', async () => {
  const slots = new Slots(1)
  slots.takeNow()
  const controller = new AbortController()
  const served: number[] = []
  const waiting = Array.from({ length: 5_000 }, async (_, index) => {
    if (!(await slots.take(index % 3 === 0 ? controller.signal : never))) return
    served.push(index)
    slots.release()
  })
  controller.abort()
  slots.release()
  await Promise.all(waiting)
  expect(served).toEqual(Array.from({ length: 5_000 }, (_, index) => index).filter((index) => index % 3 !== 0))
  expect(slots.takeNow()).toBe(true)
})
