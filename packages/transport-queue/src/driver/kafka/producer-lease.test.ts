import { expect, it } from 'vitest'
import { ProducerLease } from './producer-lease.ts'

function lend() {
  const closed: number[] = []
  let openedCount = 0
  const lease = new ProducerLease<number>({
    open: async () => ++openedCount,
    close: async (producer) => void closed.push(producer),
    isSpoiledBy: (error) => String(error) === 'Error: spoiled',
  })
  return { lease, closed }
}

const fail = (text: string) => () => Promise.reject(new Error(text))

it('lends the same producer after a failure that does not spoil it', async () => {
  const { lease, closed } = lend()
  await expect(lease.use(fail('refused'))).rejects.toThrow('refused')
  expect(await lease.use(async (producer) => producer)).toBe(1)
  expect(closed).toEqual([])
})

it('closes a spoiled producer when the last that uses it is done, and lends another meanwhile', async () => {
  const { lease, closed } = lend()
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = lease.use((producer) => promise.then(() => producer))
  await expect(lease.use(fail('spoiled'))).rejects.toThrow('spoiled')
  expect(await lease.use(async (producer) => producer)).toBe(2)
  expect(closed).toEqual([])
  resolve()
  expect(await slow).toBe(1)
  expect(closed).toEqual([1])
  await lease.close()
  expect(closed).toEqual([1, 2])
})

it('opens anew when it could not be opened', async () => {
  let openedCount = 0
  const lease = new ProducerLease<number>({
    open: async () => {
      openedCount += 1
      if (openedCount === 1) throw new Error('away')
      return openedCount
    },
    close: async () => undefined,
    isSpoiledBy: () => true,
  })
  await expect(lease.use(async () => 0)).rejects.toThrow('away')
  expect(await lease.use(async (producer) => producer)).toBe(2)
})
