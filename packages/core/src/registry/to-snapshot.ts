import type { Instance } from './registry.ts'

/** A list as a `Discovery` gives it: ordered by id, frozen, and of two instances of one id the later one. */
export function toSnapshot(instances: Iterable<Instance>): readonly Instance[] {
  const byId = new Map([...instances].map((instance) => [instance.id, instance]))
  return Object.freeze([...byId.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1)))
}
