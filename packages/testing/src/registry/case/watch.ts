import { requireEqual, requireTrue } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import { addressesOf } from '../watched.ts'

const watch = registryBehavioursOf('watch')

/** Lists that a slow reader lets pass, and the most it may be given of them: one that was under way, one that came by then, the newest. */
const passedCount = 8
const givenCount = 3

export const watchCases = [
  watch('a slow reader is given the newest list, and not all that it has missed', {
    needs: ['change'],
    run: async ({ open, show, instance, name, bounds }) => {
      const process = await open()
      const brisk = process.watch()
      const { signal } = new AbortController()
      const slow = process.discovery.watch(name, { signal })[Symbol.asyncIterator]()
      await slow.next()
      const all = Array.from({ length: passedCount }, (_, number) => instance(number + 1))
      for (let count = 1; count <= passedCount; count += 1) {
        await show(all.slice(0, count))
        await brisk.sees(all.slice(0, count), bounds.seenMs)
      }
      const given: number[] = []
      while (given.at(-1) !== passedCount) {
        const step = await slow.next()
        given.push(step.done === true ? -1 : step.value.length)
        requireTrue(
          given.length <= givenCount,
          `expected the newest list, of ${passedCount}, found lists of ${given.join()}`,
        )
      }
      await slow.return?.()
    },
  }),
  watch('its signal ends a watch that waits', {
    run: async ({ open, bounds }) => {
      const one = (await open()).watch()
      await one.sees([], bounds.seenMs)
      await one.leave()
      requireEqual(one.end, 'by its signal', 'it should end')
    },
  }),
  watch('one whose signal has fired already ends without waiting for anything', {
    run: async ({ open, name }) => {
      const { discovery } = await open()
      const lists = []
      for await (const list of discovery.watch(name, { signal: AbortSignal.abort() })) lists.push(list)
      requireEqual(lists.flat(), [], 'what is given should be')
    },
  }),
  watch('leaving the loop ends it', {
    run: async ({ open, name, show, instance }) => {
      await show([instance(1)])
      const { discovery } = await open()
      const { signal } = new AbortController()
      const lists = []
      for await (const list of discovery.watch(name, { signal })) {
        lists.push(list)
        break
      }
      requireEqual(lists.map(addressesOf), [addressesOf([instance(1)])], 'what is given should be')
    },
  }),
  watch('two of the same name are independent', {
    needs: ['change'],
    run: async ({ open, show, instance, bounds }) => {
      const process = await open()
      const [one, other] = [process.watch(), process.watch()]
      await show([instance(1)])
      await one.sees([instance(1)], bounds.seenMs)
      await other.sees([instance(1)], bounds.seenMs)
      await one.leave()
      await show([instance(1), instance(2)])
      await other.sees([instance(1), instance(2)], bounds.seenMs)
      other.requireGoing()
      const late = process.watch()
      await late.sees([instance(1), instance(2)], bounds.seenMs)
    },
  }),
  watch('close may be called twice, and leaves no connection', {
    run: async ({ open, show, instance, bounds, has, link }) => {
      await show([instance(1)])
      const process = await open()
      const one = process.watch()
      await one.sees([instance(1)], bounds.seenMs)
      await one.leave()
      await process.registry.close?.()
      await process.registry.close?.()
      if (!has('link.count')) return
      await eventually(() => requireEqual(link.connectionCount(), 0, 'the number of connections should be'), {
        timeoutMs: bounds.goneMs,
      })
    },
  }),
]
