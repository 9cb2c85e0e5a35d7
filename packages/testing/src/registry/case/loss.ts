import { requireEqual, requireTrue } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import { addressesOf, addressOf } from '../watched.ts'

const loss = registryBehavioursOf('loss')

export const lossCases = [
  loss('an instance whose process died disappears, and those that live stay', {
    needs: ['announce', 'change', 'expire'],
    run: async ({ open, openBeside, instance, server, bounds }) => {
      const [dying, living] = [await open(), await openBeside()]
      const alive = await living.announce(instance(2))
      await dying.announce(instance(1))
      const watch = living.watch()
      await watch.sees([instance(1), instance(2)], bounds.seenMs)
      await server.crash(dying.registry)
      await watch.sees([instance(2)], bounds.expiredMs)
      requireEqual(addressesOf(await living.look()), addressesOf([instance(2)]), 'what is there should be')
      requireEqual(alive.lost.aborted, false, 'whether the living one is lost should be')
    },
  }),
  loss('an instance that the registry forgot is announced again', {
    needs: ['announce', 'change', 'forget'],
    run: async ({ open, openBeside, instance, server, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const announced = await process.announce(instance(1))
      const watch = other.watch()
      await watch.sees([instance(1)], bounds.seenMs)
      await server.forget(instance(1))
      await eventually(
        async () =>
          requireEqual(addressesOf(await other.look()), addressesOf([instance(1)]), 'what is there should be'),
        { timeoutMs: bounds.expiredMs },
      )
      await watch.sees([instance(1)], bounds.seenMs)
      requireEqual(
        announced.lost.aborted,
        false,
        'what is announced again is not lost; whether lost has fired should be',
      )
      await announced.withdraw()
      requireEqual(await other.look(), [], 'what is there should be')
    },
  }),
  loss('what was withdrawn does not come back, when what is left is announced again', {
    needs: ['announce', 'change', 'forget'],
    run: async ({ open, openBeside, instance, server, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const withdrawn = await process.announce(instance(1))
      await process.announce(instance(2))
      await withdrawn.withdraw()
      // By the second time all that is renewed has been renewed.
      for (let count = 0; count < 2; count += 1) {
        await server.forget(instance(2))
        await eventually(
          async () => {
            const list = addressesOf(await other.look())
            requireTrue(list.includes(addressOf(instance(2))), 'expected the instance to be announced again')
            requireEqual(list.length, 1, 'the number of instances should be')
          },
          { timeoutMs: bounds.expiredMs },
        )
      }
    },
  }),
  loss('what is announced is there again when the registry was killed and started again', {
    needs: ['announce', 'change', 'restart'],
    run: async ({ open, openBeside, instance, server, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const announced = await process.announce(instance(1))
      await server.restart()
      await eventually(
        async () =>
          requireEqual(addressesOf(await other.look()), addressesOf([instance(1)]), 'what is there should be'),
        { timeoutMs: bounds.expiredMs + bounds.noticedMs },
      )
      requireEqual(
        announced.lost.aborted,
        false,
        'what is announced again is not lost; whether lost has fired should be',
      )
    },
  }),
  loss('a registry that is killed and started again is used again by a watch', {
    needs: ['restart', 'change'],
    run: async ({ open, show, instance, server, bounds }) => {
      await show([instance(1)])
      const watch = (await open()).watch()
      await watch.sees([instance(1)], bounds.seenMs)
      await server.restart()
      const { expiredMs, noticedMs, seenMs } = bounds
      await eventually(() => show([instance(1), instance(2)]), { timeoutMs: expiredMs + noticedMs })
      await watch.sees([instance(1), instance(2)], expiredMs + noticedMs + seenMs)
      watch.requireGoing()
    },
  }),
]
