import { eventually } from '@tenon/testing'
import { expect } from 'vitest'

/** What a number comes to: it has been the same for a while. */
export async function settled(read: () => number | Promise<number>): Promise<number> {
  let last = Number.NaN
  return eventually(
    async () => {
      const before = last
      last = await read()
      expect(last).toBe(before)
      return last
    },
    { timeoutMs: 20_000, intervalMs: 200 },
  )
}
