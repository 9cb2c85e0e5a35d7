import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'

test('repeats a failing check until it holds and gives its value', async () => {
  let tries = 0
  const value = await eventually(
    () => {
      tries += 1
      if (tries < 3) throw new Error('not yet')
      return 'done'
    },
    { intervalMs: 0 },
  )
  expect({ value, tries }).toEqual({ value: 'done', tries: 3 })
})

test('throws what the check threw last when time is up', async () => {
  await expect(eventually(() => Promise.reject(new Error('never')), { timeoutMs: 0 })).rejects.toThrow('never')
})
