import { requireEqual } from '../../conformance/assertion.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import { addressesOf } from '../watched.ts'

const many = registryBehavioursOf('many')

const flapCount = 20
const instanceCount = 1_000

export const manyCases = [
  many(`of instances that come and go ${flapCount} times those are there in the end that came last`, {
    needs: ['change'],
    run: async ({ open, show, instance, bounds }) => {
      const process = await open()
      const watch = process.watch()
      await watch.sees([], bounds.seenMs)
      for (let flap = 0; flap < flapCount; flap += 1) {
        await show([instance(1), instance(2)])
        await show([instance(1), instance(3)])
      }
      await watch.sees([instance(1), instance(3)], bounds.seenMs + bounds.goneMs)
      const list = addressesOf([instance(1), instance(3)])
      requireEqual(addressesOf(await process.look()), list, 'what is there should be')
      requireEqual(addressesOf(watch.newest), list, 'the watch should show')
    },
  }),
  many(
    `an instance that is announced and withdrawn ${flapCount} times is gone in the end, and one announced after it is not`,
    {
      needs: ['announce', 'change'],
      run: async ({ open, openBeside, instance, bounds }) => {
        const [process, other] = [await open(), await openBeside()]
        const watch = other.watch()
        for (let flap = 0; flap < flapCount; flap += 1) {
          const announced = await process.announce(instance(1))
          await announced.withdraw()
        }
        await process.announce(instance(2))
        requireEqual(addressesOf(await other.look()), addressesOf([instance(2)]), 'what is there should be')
        await watch.sees([instance(2)], bounds.seenMs + bounds.goneMs)
      },
    },
  ),
  many(`one change among ${instanceCount} instances gives one list with all of them`, {
    needs: ['change'],
    run: async ({ open, show, instance, bounds }) => {
      const all = Array.from({ length: instanceCount }, (_, number) => instance(number))
      await show(all.slice(1))
      const watch = (await open()).watch()
      await watch.sees(all.slice(1), bounds.seenMs)
      const before = watch.snapshots.length
      await show(all)
      await watch.sees(all, bounds.seenMs)
      const lengths = watch.snapshots.slice(before).map((list) => list.length)
      requireEqual(lengths, [instanceCount], 'the lengths of the lists should be')
    },
  }),
]
