import { requireEqual, requireTrue } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import { addressesOf, type Watched } from '../watched.ts'

const snapshot = registryBehavioursOf('snapshot')

export const snapshotCases = [
  snapshot('the first list of a name that nobody has comes at once, and is empty', {
    run: async ({ open, bounds }) => {
      const watch = (await open()).watch()
      await watch.sees([], bounds.seenMs)
      watch.requireGoing()
    },
  }),
  snapshot('the first list has all that is there', {
    run: async ({ open, show, instance, bounds }) => {
      const instances = [instance(1), instance(2), instance(3)]
      await show(instances)
      const watch = (await open()).watch()
      await firstOf(watch, bounds.seenMs)
      requireEqual(addressesOf(watch.snapshots[0] ?? []), addressesOf(instances), 'the first list should be')
    },
  }),
  snapshot('a list is ordered by id, has each id once, and is frozen', {
    run: async ({ open, show, instance, bounds, has }) => {
      await show([instance(3), instance(1), instance(12), instance(2)])
      const watch = (await open()).watch()
      await firstOf(watch, bounds.seenMs)
      if (has('change')) {
        const changed = [instance(4), instance(1), instance(20), instance(3)]
        await show(changed)
        await watch.sees(changed, bounds.seenMs + bounds.goneMs)
      }
      for (const list of watch.snapshots) {
        const ids = list.map(({ id }) => id)
        const ordered = [...new Set(ids)].toSorted((one, other) => (one < other ? -1 : 1))
        requireEqual(ids, ordered, 'the ids should be')
        requireTrue(Object.isFrozen(list), 'expected a list that is frozen, found one that can be changed')
      }
    },
  }),
  snapshot('a list has the instances of its name only', {
    run: async ({ open, show, instance, name, bounds }) => {
      const other = `${name}-other`
      await show([instance(2, { name: other })], other)
      await show([instance(1)])
      const process = await open()
      const [watch, others] = [process.watch(), process.watch(other)]
      await watch.sees([instance(1)], bounds.seenMs)
      await others.sees([instance(2)], bounds.seenMs)
      const found = watch.newest.map((one) => one.name)
      requireEqual(found, [name], 'the names should be')
    },
  }),
  snapshot('what comes and goes is seen, each time with all others', {
    needs: ['change'],
    run: async ({ open, show, instance, bounds }) => {
      const [one, two, three] = [instance(1), instance(2), instance(3)]
      await show([one])
      const watch = (await open()).watch()
      await watch.sees([one], bounds.seenMs)
      await show([one, two, three])
      await watch.sees([one, two, three], bounds.seenMs)
      await show([two, three])
      await watch.sees([two, three], bounds.goneMs)
      await show([])
      await watch.sees([], bounds.goneMs)
      watch.requireGoing()
    },
  }),
  snapshot('records that cannot be read are left out, and told of', {
    needs: ['malformed'],
    run: async ({ open, show, instance, server, name, bounds, has }) => {
      await show([instance(1)])
      await server.corrupt(name)
      const watch = (await open()).watch()
      await watch.sees([instance(1)], bounds.seenMs)
      await eventually(
        () => requireTrue(watch.troubles.length > 0, 'expected onTrouble to be told of the record, found it was not'),
        { timeoutMs: bounds.noticedMs },
      )
      if (has('change')) {
        await show([instance(1), instance(2)])
        await watch.sees([instance(1), instance(2)], bounds.seenMs)
      }
      watch.requireGoing()
    },
  }),
]

async function firstOf(watch: Watched, timeoutMs: number): Promise<void> {
  await eventually(() => requireTrue(watch.snapshots.length > 0, 'expected a first list, found none'), { timeoutMs })
}
