import { requireEqual, requireTrue } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import type { RegistryStage } from '../registry-stage.ts'
import { addressesOf, type Watched } from '../watched.ts'

const outage = registryBehavioursOf('outage')

const announced = ['announce', 'change'] as const

export const outageCases = [
  outage('the last list stays, the watch goes on, and the trouble is told', {
    needs: ['link.cut'],
    run: async (stage) => {
      const watch = await watchingOne(stage)
      await stage.link.cut()
      await troubled(stage, watch)
      requireEqual(addressesOf(watch.newest), addressesOf([stage.instance(1)]), 'the last list should be')
      watch.requireGoing()
    },
  }),
  outage('the list is given again after it, changed or not', {
    needs: ['link.cut'],
    run: async (stage) => {
      const watch = await watchingOne(stage)
      await stage.link.cut()
      await troubled(stage, watch)
      const count = watch.snapshots.length
      await stage.link.restore()
      await eventually(
        () => requireTrue(watch.snapshots.length > count, 'expected the list again, found nothing that was given'),
        { timeoutMs: stage.bounds.noticedMs + stage.bounds.seenMs },
      )
      for (const list of watch.snapshots)
        requireEqual(addressesOf(list), addressesOf([stage.instance(1)]), 'each list should be')
    },
  }),
  outage('what changed during it is seen after it, and what changes later', {
    needs: ['link.cut', 'change'],
    run: async (stage) => {
      const { link } = stage
      await changesAcross(stage, () => link.cut())
    },
  }),
  outage('a connection that is half-open is noticed, and what changed meanwhile is seen after it', {
    needs: ['link.freeze', 'change'],
    run: async (stage) => {
      const { link } = stage
      await changesAcross(stage, () => link.freeze())
    },
  }),
  outage('a watch that begins in it shows the list after it', {
    needs: ['link.cut'],
    run: async ({ open, show, instance, link, bounds }) => {
      await show([instance(1)])
      const process = await open()
      await link.cut()
      const watch = process.watch()
      await eventually(
        () => requireTrue(watch.troubles.length > 0, 'expected onTrouble to be told, found it was not'),
        {
          timeoutMs: bounds.noticedMs,
        },
      )
      await link.restore()
      await watch.sees([instance(1)], bounds.noticedMs + bounds.seenMs)
    },
  }),
  outage('an announcement in it resolves when the instance is there, or rejects and leaves nothing', {
    needs: [...announced, 'link.cut'],
    run: async ({ open, openBeside, instance, link, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      await link.cut()
      let outcome: 'announced' | 'rejected' | undefined
      const announcing = process.announce(instance(1)).then(
        () => (outcome = 'announced'),
        () => (outcome = 'rejected'),
      )
      const settled = () => requireTrue(outcome !== undefined, 'announce goes on')
      await eventually(settled, { timeoutMs: bounds.noticedMs }).catch(() => undefined)
      requireTrue(outcome !== 'announced', 'expected announce not to resolve in an outage, found it has')
      await link.restore()
      await announcing
      const expected = outcome === 'rejected' ? [] : [instance(1)]
      requireEqual(addressesOf(await other.look()), addressesOf(expected), 'what is there should be')
    },
  }),
  ...(['cut', 'freeze'] as const).map((fault) =>
    outage(`an instance is announced again after one that outlasted it (${fault})`, {
      needs: [...announced, 'expire', `link.${fault}`],
      run: async ({ open, openBeside, instance, link, bounds }) => {
        const [process, other] = [await open(), await openBeside()]
        const { lost } = await process.announce(instance(1))
        const watch = other.watch()
        await watch.sees([instance(1)], bounds.seenMs)
        await link[fault]()
        await watch.sees([], bounds.expiredMs)
        await link.restore()
        await watch.sees([instance(1)], bounds.expiredMs + bounds.noticedMs)
        requireEqual(lost.aborted, false, 'what is announced again is not lost; whether lost has fired should be')
      },
    }),
  ),
  outage('what was announced before it can be withdrawn after it', {
    needs: [...announced, 'link.cut'],
    run: async ({ open, openBeside, instance, link, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const watch = process.watch()
      await process.announce(instance(2))
      const withdrawn = await process.announce(instance(1))
      await watch.sees([instance(1), instance(2)], bounds.seenMs)
      await link.cut()
      await eventually(
        () => requireTrue(watch.troubles.length > 0, 'expected onTrouble to be told, found it was not'),
        {
          timeoutMs: bounds.noticedMs,
        },
      )
      await link.restore()
      await eventually(() => withdrawn.withdraw(), { timeoutMs: bounds.noticedMs })
      const { expiredMs, noticedMs } = bounds
      await eventually(
        async () =>
          requireEqual(addressesOf(await other.look()), addressesOf([instance(2)]), 'what is there should be'),
        { timeoutMs: expiredMs },
      )
      await watch.sees([instance(2)], expiredMs + noticedMs)
    },
  }),
  outage('answers that come late change nothing but the time', {
    needs: ['link.slow'],
    run: async ({ open, show, instance, link, bounds, slowMs, has }) => {
      await show([instance(1)])
      const process = await open()
      await link.slow(slowMs)
      const watch = process.watch()
      await watch.sees([instance(1)], bounds.seenMs + slowCount * slowMs)
      if (has('change')) {
        await show([instance(1), instance(2)])
        await watch.sees([instance(1), instance(2)], bounds.seenMs + slowCount * slowMs)
      }
      watch.requireGoing()
      requireEqual(watch.troubles, [], 'what onTrouble was told should be')
    },
  }),
  outage('an announcement that is answered late is right all the same', {
    needs: [...announced, 'link.slow'],
    run: async ({ open, openBeside, instance, link, slowMs }) => {
      const [process, other] = [await open(), await openBeside()]
      await link.slow(slowMs)
      const slow = await process.announce(instance(1))
      requireEqual(addressesOf(await other.look()), addressesOf([instance(1)]), 'what is there should be')
      await slow.withdraw()
      requireEqual(await other.look(), [], 'what is there should be')
    },
  }),
  outage('a long one changes nothing of that', {
    needs: ['link.cut', 'change', 'long'],
    run: async (stage) => {
      const { link, longOutageMs } = stage
      await changesAcross(stage, async () => {
        await link.cut()
        await new Promise((resolve) => setTimeout(resolve, longOutageMs))
      })
    },
  }),
]

/** Answers that a list may take until it is there, when each of them is late; a guess. */
const slowCount = 10

/** A watch that shows one instance. */
async function watchingOne({ open, show, instance, bounds }: RegistryStage): Promise<Watched> {
  await show([instance(1)])
  const watch = (await open()).watch()
  await watch.sees([instance(1)], bounds.seenMs)
  return watch
}

async function troubled({ bounds }: RegistryStage, watch: Watched): Promise<void> {
  await eventually(() => requireTrue(watch.troubles.length > 0, 'expected onTrouble to be told, found it was not'), {
    timeoutMs: bounds.noticedMs,
  })
}

/** The list changes while the link is harmed, and again when it no longer is. */
async function changesAcross(stage: RegistryStage, harm: () => Promise<void>): Promise<void> {
  const { show, instance, link, bounds } = stage
  const watch = await watchingOne(stage)
  await harm()
  await show([instance(2)])
  await troubled(stage, watch)
  requireEqual(addressesOf(watch.newest), addressesOf([instance(1)]), 'the last list should be')
  await link.restore()
  await watch.sees([instance(2)], bounds.noticedMs + bounds.seenMs)
  await show([instance(2), instance(3)])
  await watch.sees([instance(2), instance(3)], bounds.noticedMs + bounds.seenMs)
  watch.requireGoing()
}
