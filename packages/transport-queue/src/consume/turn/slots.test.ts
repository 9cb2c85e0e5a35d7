import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

const never = new AbortController().signal

/** Whether there is a place now, which is given back. */
function isFree(slots: Slots): boolean {
  let isGranted = false
  const leaving = new AbortController()
  slots.seek({ signal: leaving.signal, granted: () => (isGranted = true) })
  leaving.abort()
  if (isGranted) slots.release()
  return isGranted
}

test('gives a place that comes free to whoever waits longest', async () => {
  const slots = new Slots(1)
  expect(await slots.take(never)).toBe(true)
  expect(isFree(slots)).toBe(false)
  const order: string[] = []
  const waiting = ['first', 'second'].map((name) => slots.take(never).then(() => order.push(name)))
  slots.release()
  await waiting[0]
  expect(order).toEqual(['first'])
  slots.release()
  await waiting[1]
  slots.release()
  expect(isFree(slots)).toBe(true)
})

test('lets go of all that wait with a signal when it fires, and of no others', async () => {
  const slots = new Slots(1)
  await slots.take(never)
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
  await slots.take(never)
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
  expect(isFree(slots)).toBe(true)
})

test('who is granted a place in the middle of a release may give it back at once', async () => {
  const slots = new Slots(1)
  await slots.take(never)
  const served: string[] = []
  for (const name of ['first', 'second', 'third'])
    slots.seek({
      signal: never,
      granted: () => {
        served.push(name)
        slots.release()
      },
    })
  slots.release()
  expect(served).toEqual(['first', 'second', 'third'])
  expect(isFree(slots)).toBe(true)
})

test('gives no place while it is held, also none that comes free, and then as many as there are', () => {
  const slots = new Slots(2)
  const granted: string[] = []
  const seek = (name: string) => slots.seek({ signal: never, granted: () => granted.push(name) })
  seek('first')
  slots.hold()
  seek('second')
  seek('third')
  seek('fourth')
  slots.release()
  expect([granted, slots.isHeld, slots.areTaken]).toEqual([['first'], true, false])
  slots.resume()
  expect(granted).toEqual(['first', 'second', 'third'])
  slots.resume()
  slots.release()
  expect(granted).toEqual(['first', 'second', 'third', 'fourth'])
})
