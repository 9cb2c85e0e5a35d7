import { expect, it } from 'vitest'
import { ConnectionLease } from './connection-lease.ts'

function lend({ isBrief = false } = {}) {
  const closed: number[] = []
  let openedCount = 0
  const lease = new ConnectionLease<number>({
    open: async () => ++openedCount,
    close: async (connection) => void closed.push(connection),
    isSpoiledBy: (error) => String(error) === 'Error: spoiled',
    isBrief,
  })
  return { lease, closed }
}

const fail = (text: string) => () => Promise.reject(new Error(text))

it('lends the same connection after a failure that does not spoil it', async () => {
  const { lease, closed } = lend()
  await expect(lease.use(fail('refused'))).rejects.toThrow('refused')
  expect(await lease.use(async (connection) => connection)).toBe(1)
  expect(closed).toEqual([])
})

it('closes a spoiled connection when the last that uses it is done, and lends another meanwhile', async () => {
  const { lease, closed } = lend()
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = lease.use((connection) => promise.then(() => connection))
  await expect(lease.use(fail('spoiled'))).rejects.toThrow('spoiled')
  expect(await lease.use(async (connection) => connection)).toBe(2)
  expect(closed).toEqual([])
  resolve()
  expect(await slow).toBe(1)
  expect(closed).toEqual([1])
  await lease.close()
  expect(closed).toEqual([1, 2])
})

it('opens anew when it could not be opened', async () => {
  let openedCount = 0
  const lease = new ConnectionLease<number>({
    open: async () => {
      openedCount += 1
      if (openedCount === 1) throw new Error('away')
      return openedCount
    },
    close: async () => undefined,
    isSpoiledBy: () => true,
  })
  await expect(lease.use(async () => 0)).rejects.toThrow('away')
  expect(await lease.use(async (connection) => connection)).toBe(2)
})

it('closes a spoiled connection that is still in use, when it is closed itself, and each connection once', async () => {
  const { lease, closed } = lend()
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = lease.use((connection) => promise.then(() => connection))
  await expect(lease.use(fail('spoiled'))).rejects.toThrow('spoiled')
  expect(await lease.use(async (connection) => connection)).toBe(2)
  await lease.close()
  expect(closed).toEqual([1, 2])
  resolve()
  await slow
  expect(closed).toEqual([1, 2])
})

it('closes nothing that another has just been lent', async () => {
  const { lease, closed } = lend()
  const failing = Promise.withResolvers<never>()
  const spoiling = expect(lease.use(() => failing.promise)).rejects.toThrow('spoiled')
  await turn()
  failing.reject(new Error('spoiled'))
  const seen = lease.use(async (connection) => {
    await turn()
    return [connection, ...closed]
  })
  await spoiling
  expect(await seen).toEqual([1])
  expect(closed).toEqual([1])
})

it('closes behind its last user what is lent briefly, and lends another to the next', async () => {
  const { lease, closed } = lend({ isBrief: true })
  const together = [lease.use(async (connection) => connection), lease.use(async (connection) => connection)]
  expect(await Promise.all(together)).toEqual([1, 1])
  await turn()
  expect(closed).toEqual([1])
  expect(await lease.use(async (connection) => connection)).toBe(2)
})

it('opens nothing once it is closed', async () => {
  const { lease } = lend()
  await lease.close()
  await expect(lease.use(async (connection) => connection)).rejects.toThrow('the connection was closed')
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
