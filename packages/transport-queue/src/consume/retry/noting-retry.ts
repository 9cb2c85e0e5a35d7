import type { PartitionRetry } from './partition-retry.ts'

/** What was set aside, and how, by offset. */
export type SetAside = Map<number, 'set aside' | 'followed'>

type Aside = Pick<PartitionRetry, 'isFenced' | 'park' | 'follow'>

/** Sets messages aside, and takes note of those that were, for they are not handled. */
export function notingRetry(retry: Aside, setAside: SetAside): Aside {
  return {
    isFenced: (key) => retry.isFenced(key),
    park: async (record, history) => {
      const outcome = await retry.park(record, history)
      if (outcome === 'stored') setAside.set(record.offset, 'set aside')
      return outcome
    },
    follow: async (record) => {
      const outcome = await retry.follow(record)
      if (outcome === 'parked') setAside.set(record.offset, 'followed')
      return outcome
    },
  }
}
