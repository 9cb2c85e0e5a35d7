import type { Discovery, Instance, Registrar, Registration, Registry, WatchOptions } from '@tenon/core/registry'
import { registryCases } from './registry-cases.ts'
import type { RegistryHarness, RegistryPlace } from './registry-harness.ts'
import { rightHabits, type ServedHabits, servedHarness } from './served-registry.test-harness.ts'

type Both = Registrar & Discovery

export type Alter = (registry: Both & Registry) => Partial<Both & Pick<Registry, 'close'>>

/** A registry that is right but for one thing. */
export interface RegistryFault {
  readonly what: string
  /** What is wrong with the registry itself, */
  readonly habits?: Partial<ServedHabits>
  /** what is put between it and the case, */
  readonly alter?: Alter
  /** or what is wrong with where it is. */
  readonly place?: (place: RegistryPlace) => Partial<RegistryPlace>
  /** Cases that must find it. */
  readonly found: readonly string[]
}

/** Short: what is wrong is waited for in vain. */
const shortBounds = { seenMs: 500, goneMs: 500, expiredMs: 900, noticedMs: 500 }

/** A registry with a fault, which is waited for as short as can be. */
export function faulty(fault: RegistryFault): RegistryHarness {
  const habits = { ...rightHabits, ttlMs: 60_000, requestLimitMs: 150, ...fault.habits }
  return { ...altered({ ...fault, habits }), bounds: shortBounds, caseLimitMs: 1_500 }
}

/** A registry with something in front of it, or nothing. */
export function altered({ habits, alter, place }: Partial<RegistryFault> = {}): RegistryHarness {
  const right = servedHarness({ ...rightHabits, ...habits })
  return {
    ...right,
    start: async () => {
      const started = await right.start()
      const changed = { ...started, ...place?.(started) }
      const { openBeside = changed.open } = changed
      const alterOne = (registry: Registry): Registry => {
        const whole = registry as Both & Registry
        const members = {
          announce: whole.announce.bind(whole),
          watch: whole.watch.bind(whole),
          close: async () => whole.close?.(),
        }
        const made = { ...members, ...alter?.(whole) }
        originals.set(made, registry)
        return made
      }
      const originals = new Map<Registry, Registry>()
      return {
        ...changed,
        open: async () => alterOne(await changed.open()),
        openBeside: async () => alterOne(await openBeside()),
        crash: async (registry) => changed.crash?.(originals.get(registry) ?? registry),
      }
    },
  }
}

/** Changes every list that a watch gives. */
export function onLists(change: (list: readonly Instance[]) => readonly Instance[]): Alter {
  return onWatch(async function* (lists) {
    for await (const list of lists) yield change(list)
  })
}

/** Changes every instance that a watch gives. */
export function onInstances(change: (instance: Instance) => Instance): Alter {
  return onLists((list) => Object.freeze(list.map(change)))
}

/** Puts something between a watch and its reader. */
export function onWatch(
  change: (lists: AsyncIterable<readonly Instance[]>, options: WatchOptions) => AsyncIterable<readonly Instance[]>,
): Alter {
  return (registry) => ({ watch: (name, options) => change(registry.watch(name, options), options) })
}

/** Changes what is given for an announcement. */
export function onRegistration(
  change: (registration: Registration, instance: Instance) => Partial<Registration>,
): Alter {
  return (registry) => ({
    announce: async (instance, options) => {
      const registration = await registry.announce(instance, options)
      return { ...registration, ...change(registration, instance) }
    },
  })
}

/** The cases among these that a registry fails. */
export async function failedOf(harness: RegistryHarness, titles: readonly string[]): Promise<readonly string[]> {
  const cases = registryCases(harness).filter(({ title }) => titles.includes(title))
  const tried = await Promise.all(
    cases.map(({ title, run }) =>
      run().then(
        () => [],
        () => [title],
      ),
    ),
  )
  return tried.flat()
}
