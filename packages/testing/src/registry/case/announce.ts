import { isTakenOver } from '@tenon/core/registry'
import { requireEqual, requireTrue } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import { addressesOf } from '../watched.ts'

const announce = registryBehavioursOf('announce')

const needs = ['announce', 'change'] as const

/** Where an instance runs when it is started again. */
const elsewhere = { endpoints: [{ protocol: 'grpc', host: '10.9.0.1', port: 50_051 }] }

export const announceCases = [
  announce('an instance is there when announce resolves', {
    needs,
    run: async ({ open, openBeside, instance, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const watch = other.watch()
      await watch.sees([], bounds.seenMs)
      await process.announce(instance(1))
      requireEqual(addressesOf(await other.look()), addressesOf([instance(1)]), 'what is there should be')
      await watch.sees([instance(1)], bounds.seenMs)
    },
  }),
  announce('an instance is gone when withdraw resolves, which is safe to call twice', {
    needs,
    run: async ({ open, openBeside, instance, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      await process.announce(instance(2))
      const announced = await process.announce(instance(1))
      const watch = other.watch()
      await watch.sees([instance(1), instance(2)], bounds.seenMs)
      await announced.withdraw()
      requireEqual(addressesOf(await other.look()), addressesOf([instance(2)]), 'what is there should be')
      await announced.withdraw()
      await watch.sees([instance(2)], bounds.goneMs)
      requireEqual(announced.lost.aborted, false, 'what is withdrawn is not lost; whether lost has fired should be')
    },
  }),
  announce('an instance may be announced again after it was withdrawn', {
    needs,
    run: async ({ open, openBeside, instance, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const watch = other.watch()
      const first = await process.announce(instance(1))
      await watch.sees([instance(1)], bounds.seenMs)
      await first.withdraw()
      await watch.sees([], bounds.goneMs)
      const second = await process.announce(instance(1))
      await watch.sees([instance(1)], bounds.seenMs)
      await first.withdraw()
      requireEqual(addressesOf(await other.look()), addressesOf([instance(1)]), 'what is there should be')
      requireEqual(second.lost.aborted, false, 'whether it is lost should be')
    },
  }),
  announce('an id that is announced again is taken over, and whoever had it learns so', {
    needs,
    run: async ({ open, openBeside, instance, bounds }) => {
      const [before, after, other] = [await open(), await open(), await openBeside()]
      const old = await before.announce(instance(1))
      const taken = await after.announce(instance(1, elsewhere))
      requireEqual(addressesOf(await other.look()), addressesOf([instance(1, elsewhere)]), 'what is there should be')
      await eventually(() => requireTrue(old.lost.aborted, 'expected lost to fire, found it has not'), {
        timeoutMs: bounds.expiredMs,
      })
      requireTrue(isTakenOver(old.lost.reason), `expected lost to be takenOver(), found ${old.lost.reason}`)
      requireEqual(taken.lost.aborted, false, 'whether the new one is lost should be')
      requireEqual(addressesOf(await other.look()), addressesOf([instance(1, elsewhere)]), 'what is there should be')
    },
  }),
  announce('withdrawing what was taken over leaves the new one alone', {
    needs,
    run: async ({ open, openBeside, instance }) => {
      const [before, after, other] = [await open(), await open(), await openBeside()]
      const old = await before.announce(instance(1))
      await after.announce(instance(1, elsewhere))
      await old.withdraw().catch(() => undefined)
      requireEqual(addressesOf(await other.look()), addressesOf([instance(1, elsewhere)]), 'what is there should be')
    },
  }),
  announce('one process may take over from itself, and may announce several', {
    needs,
    run: async ({ open, openBeside, instance, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      await process.announce(instance(2))
      const old = await process.announce(instance(1))
      await process.announce(instance(1, elsewhere))
      await eventually(() => requireTrue(isTakenOver(old.lost.reason), 'expected lost to be takenOver()'), {
        timeoutMs: bounds.expiredMs,
      })
      await old.withdraw().catch(() => undefined)
      const left = addressesOf([instance(1, elsewhere), instance(2)])
      requireEqual(addressesOf(await other.look()), left, 'what is there should be')
    },
  }),
]
