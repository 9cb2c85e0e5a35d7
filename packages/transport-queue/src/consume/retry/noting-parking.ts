import type { Parking } from './parking.ts'

/** What was set aside, and how, by offset. */
export type SetAside = Map<number, 'set aside' | 'followed'>

type Aside = Pick<Parking, 'isFenced' | 'park' | 'follow'>

/** Sets messages aside, and takes note of those that were, for they are not handled. */
export function notingParking(parking: Aside, setAside: SetAside): Aside {
  return {
    isFenced: (key) => parking.isFenced(key),
    park: async (record, history) => {
      const outcome = await parking.park(record, history)
      if (outcome === 'stored') setAside.set(record.offset, 'set aside')
      return outcome
    },
    follow: async (record) => {
      const outcome = await parking.follow(record)
      if (outcome === 'parked') setAside.set(record.offset, 'followed')
      return outcome
    },
  }
}
