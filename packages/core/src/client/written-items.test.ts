import { EventEmitter, on } from 'node:events'
import { expect, it, vi } from 'vitest'
import { WrittenItems } from './written-items.ts'

const same = (input: unknown) => input

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const list: unknown[] = []
  for await (const item of items) list.push(item)
  return list
}

it('gives what is written, of any iterable, and waits for a writer', async () => {
  const double = (input: unknown) => Number(input) * 2
  const asynchronous = async (input: unknown) => Number(input) * 3
  const generator = async function* () {
    yield* [1, 2]
  }
  expect(await all(new WrittenItems([1, 2], double))).toEqual([2, 4])
  expect(await all(new WrittenItems(generator(), asynchronous))).toEqual([3, 6])
  expect(await all(new WrittenItems([Promise.resolve(1)], double))).toEqual([2])
})

it('lets a source go that waits, and asks it for nothing more', async () => {
  const source = on(new EventEmitter(), 'item')
  const items = new WrittenItems(source, same)
  const waiting = items.next()
  await items.return()
  expect((await waiting).done).toBe(true)
  expect((await items.next()).done).toBe(true)
})

it('lets go a source that was never asked without asking it', async () => {
  const inputs = { [Symbol.asyncIterator]: vi.fn() }
  const items = new WrittenItems(inputs, same)
  await items.return()
  expect(inputs[Symbol.asyncIterator]).not.toHaveBeenCalled()
})

it('lets its source go, once, when an item does not fit', async () => {
  const left = vi.fn()
  const inputs = async function* () {
    try {
      yield 1
      yield 2
    } finally {
      left()
    }
  }
  const items = new WrittenItems(inputs(), () => {
    throw new RangeError('odd')
  })
  await expect(items.next()).rejects.toThrow('odd')
  expect(left).toHaveBeenCalledOnce()
  expect((await items.next()).done).toBe(true)
})

it.each([undefined, null, 5, {}])('takes no %j', async (inputs) => {
  await expect(new WrittenItems(inputs, same).next()).rejects.toThrow('the inputs of a stream must be an iterable')
})
