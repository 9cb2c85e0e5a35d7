import { eventually } from '@tenon/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { growTopic } from '../../../packages/transport-queue/src/driver/kafka/kafka-client.test-harness.ts'
import { kafkaAbsence, kafkaClients } from '../process/process-broker.ts'
import { consumerAt, watchProbes } from './probe.ts'
import { requireCommitted, send, startProbed } from './probed-service.ts'
import { openPlace, type QueuePlace } from './queue-place.ts'

const absence = kafkaAbsence()
const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const patience = { timeoutMs: 8_000 }

afterEach(() => void vi.restoreAllMocks())

describe.skipIf(absence)(`a topic of Kafka that gets more partitions${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test.each(kafkaClients)(
    'is consumed in all of them within a minute, by a group that stays live and ready, through %s',
    async (client) => {
      await using place = await openPlace(client, { partitionCount: 2 })
      const [began, held]: [string[], PromiseWithResolvers<void>] = [[], Promise.withResolvers()]
      const handle = async (id: string) => {
        began.push(id)
        if (id === 'held') await held.promise
      }
      const options = { topic: place.topic, group: place.group, handle }
      await using one = await startProbed({ ...options, driver: place.newDriver() })
      await using other = await startProbed({ ...options, driver: place.newDriver() })
      const all = [one, other]
      using watched = watchProbes(one.at)
      using watchedToo = watchProbes(other.at)
      await send(place.sender, { topic: place.topic, partition: 0 }, ['held'])
      await eventually(() => expect(began).toEqual(['held']), patience)
      await growTopic(brokers, place.topic, 4)
      await sendToNew(place)
      letAMinutePass()
      const consumers = () => Promise.all(all.map(({ at }) => consumerAt(at)))
      await eventually(async () => {
        const isMoving = (await consumers()).some(({ state }) => state === 'joining')
        expect(isMoving || began.length > 1).toBe(true)
      }, patience)
      // What runs is waited for, and not handled again.
      held.resolve()
      await eventually(() => expect(began.toSorted()).toEqual(['early 2', 'early 3', 'held']), patience)
      await eventually(() => requireCommitted(place.sender, place.topic, place.group), patience)
      expect((await consumers()).map(({ partitions }) => partitions.length)).toEqual([2, 2])
      expect(began.toSorted()).toEqual(['early 2', 'early 3', 'held'])
      expect([watched.seen, watchedToo.seen, one.errors, other.errors]).toEqual([['200 200'], ['200 200'], [], []])
    },
  )
})

/** Sends a message to each of the partitions that are new, through a producer that has not known the topic before. */
async function sendToNew({ newDriver, topic }: QueuePlace): Promise<void> {
  const driver = newDriver()
  await driver.connect({ clientId: 'sender' })
  for (const partition of [2, 3]) await send(driver, { topic, partition }, [`early ${partition}`])
  await driver.close()
}

/** For those who look at clocks; what waits goes on waiting. */
function letAMinutePass(): void {
  for (const clock of [Date, performance]) {
    const now = clock.now.bind(clock)
    vi.spyOn(clock, 'now').mockImplementation(() => now() + 61_000)
  }
}
