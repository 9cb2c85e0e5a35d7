import { expect, test } from 'vitest'
import { nextTurn } from './loop-turn.ts'

const nextImmediate = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a loop that goes on without waiting is made to wait, and all that wait go on with the next turn in their order', async () => {
  await nextImmediate()
  expect(nextTurn()).toBeUndefined()
  let wait = nextTurn()
  while (wait === undefined) wait = nextTurn()
  const order: string[] = []
  const immediate = nextImmediate().then(() => order.push('other'))
  await Promise.all([wait.then(() => order.push('first')), nextTurn()?.then(() => order.push('second'))])
  expect(nextTurn()).toBeUndefined()
  await immediate
  expect(order).toEqual(['first', 'second', 'other'])
})

test('a loop that waits for something else between its items is never made to wait', async () => {
  for (let index = 0; index < 100; index += 1) {
    await nextImmediate()
    expect(nextTurn()).toBeUndefined()
  }
})
