import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import type { DriverName } from '../process/instance-environment.ts'
import { kafkaAbsence, kafkaClients } from '../process/process-broker.ts'
import { send, startProbed } from './probed-service.ts'
import { openPlace } from './queue-place.ts'
import { withoutFetch } from './changed-join.ts'
import { consumerAt, reasonOf, statusesOf, watchProbes } from './probe.ts'

const absence = kafkaAbsence()
const drivers: readonly DriverName[] = ['sqlite', ...(absence ? [] : kafkaClients)]
const stallAfterMs = 1_000
const queue = { maxHandlerMs: 500, stallAfterMs }
const patience = { timeoutMs: 20_000 }

describe.concurrent(`the probes of a service${absence ? ` (not on Kafka: ${absence})` : ''}`, {
  timeout: 60_000,
}, () => {
  test.for(drivers)(
    'are not live while a handler never ends, with the reason, and until it does, on %s',
    async (name) => {
      await using place = await openPlace(name)
      const [running, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const handle = async () => {
        running.resolve()
        await release.promise
      }
      await using probed = await startProbed({ ...place, driver: place.newDriver(), handle, queue })
      expect(await statusesOf(probed.at)).toBe('200 200')
      await send(place.sender, place, ['wedged'])
      await running.promise
      await eventually(async () => expect(await statusesOf(probed.at)).toBe('503 200'), patience)
      expect(await reasonOf(probed.at)).toContain('no handler comes to an end, the oldest message is at offset 0')
      release.resolve()
      await eventually(async () => expect(await statusesOf(probed.at)).toBe('200 200'), patience)
    },
  )

  test.for(drivers)('are not live while messages are there and reading gives none, on %s', async (name) => {
    await using place = await openPlace(name)
    const driver = withoutFetch(place.newDriver())
    await using probed = await startProbed({ ...place, driver, queue })
    expect(await statusesOf(probed.at)).toBe('200 200')
    await send(place.sender, place, ['unseen'])
    await eventually(async () => expect(await statusesOf(probed.at)).toBe('503 200'), patience)
    expect(await reasonOf(probed.at)).toContain('messages are there but are not given out, from offset 0')
    expect(probed.handled).toEqual([])
  })

  test.for(drivers)('are live and ready without a partition, while another one has them all, on %s', async (name) => {
    await using place = await openPlace(name)
    const options = { topic: place.topic, group: place.group, queue }
    await using one = await startProbed({ ...options, driver: place.newDriver() })
    await using other = await startProbed({ ...options, driver: place.newDriver() })
    const all = [one, other]
    using watch = watchProbes(other.at)
    await send(place.sender, place, ['a', 'b'])
    await eventually(() => expect([...one.handled, ...other.handled].toSorted()).toEqual(['a', 'b']), patience)
    const consumers = await Promise.all(all.map(({ at }) => consumerAt(at)))
    const owned = consumers.toSorted((left, right) => left.partitions.length - right.partitions.length)
    expect(owned).toMatchObject([
      { state: 'assigned', partitions: [] },
      { state: 'assigned', partitions: [0] },
    ])
    expect(await Promise.all(all.map(({ at }) => statusesOf(at)))).toEqual(['200 200', '200 200'])
    expect(watch.seen).toEqual(['200 200'])
  })
})
