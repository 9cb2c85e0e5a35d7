import type { Instance, InstanceChange } from '@tenon/core/registry'
import { requireEqual } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import type { RegistryFeature } from '../registry-feature.ts'
import { registryBehavioursOf } from '../registry-behaviour.ts'
import type { Process } from '../registry-stage.ts'

const update = registryBehavioursOf('update')

const before = { weight: 3, metadata: { colour: 'blue' }, health: 'serving' } as const satisfies InstanceChange

const changes = {
  weight: { weight: 0 },
  metadata: { metadata: { shape: 'round', note: 'ö' } },
  health: { health: 'draining' },
} as const satisfies Readonly<Record<string, InstanceChange>>

const fields = Object.keys(changes) as readonly (keyof typeof changes)[]

export const updateCases = [
  ...fields.map((field) =>
    update(`a change of ${field} is seen when update resolves, and leaves all else as it is`, {
      needs: needsOf(field),
      run: async ({ open, openBeside, instance, bounds }) => {
        const [process, other] = [await open(), await openBeside()]
        const announced = await process.announce(instance(1, before))
        const watch = other.watch()
        await watch.sees([instance(1)], bounds.seenMs)
        await announced.update(changes[field])
        const expected = { ...before, ...changes[field] }
        requireEqual(await changeableOf(other), expected, 'what is there should be')
        await eventually(() => requireEqual(watch.newest.map(changeable), [expected], 'the watch should show'), {
          timeoutMs: bounds.seenMs,
        })
      },
    }),
  ),
  update('several changes add up', {
    needs: fields.flatMap(needsOf),
    run: async ({ open, openBeside, instance }) => {
      const [process, other] = [await open(), await openBeside()]
      const announced = await process.announce(instance(1, before))
      for (const field of fields) await announced.update(changes[field])
      const all = { ...changes.weight, ...changes.metadata, ...changes.health }
      requireEqual(await changeableOf(other), all, 'what is there should be')
    },
  }),
  update('a change is kept when the instance has to be announced again', {
    needs: [...needsOf('health'), 'forget'],
    run: async ({ open, openBeside, instance, server, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const announced = await process.announce(instance(1, before))
      await announced.update(changes.health)
      await server.forget(instance(1))
      const expected = changes.health.health
      await eventually(
        async () => requireEqual((await changeableOf(other))?.health, expected, 'its health should be'),
        {
          timeoutMs: bounds.expiredMs,
        },
      )
    },
  }),
  update('a change that could not be told is told after the outage', {
    needs: [...needsOf('health'), 'link.cut'],
    run: async ({ open, openBeside, instance, link, bounds }) => {
      const [process, other] = [await open(), await openBeside()]
      const announced = await process.announce(instance(1, before))
      await link.cut()
      const updating = announced.update(changes.health).catch(() => undefined)
      await link.restore()
      await updating
      const expected = changes.health.health
      await eventually(
        async () => requireEqual((await changeableOf(other))?.health, expected, 'its health should be'),
        {
          timeoutMs: bounds.expiredMs + bounds.noticedMs,
        },
      )
    },
  }),
]

function needsOf(field: keyof typeof changes): readonly RegistryFeature[] {
  return ['announce', 'change', `field.${field}`]
}

function changeable({ weight = 1, metadata = {}, health = 'serving' }: Instance): Required<InstanceChange> {
  return { weight, metadata, health }
}

/** Of the one instance that is there, if any. */
async function changeableOf(process: Process): Promise<Required<InstanceChange> | undefined> {
  return (await process.look()).map(changeable)[0]
}
