import { eventually } from '@tenon/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DriverName } from '../process/instance-environment.ts'
import { kafkaAbsence, kafkaClients } from '../process/process-broker.ts'
import { consumerAt, statusesOf, watchProbes } from './probe.ts'
import { type ProbedProcess, startProbedProcess } from './probed-process.ts'
import { requireCommitted, type RunningProbed, send, startProbed } from './probed-service.ts'
import { openPlace, type QueuePlace } from './queue-place.ts'

/** On Kafka sessions are long, and a storm takes its time: part of the long run only. */
const isLong = process.env['TENON_FAULT_RUNS'] !== undefined
const absence = isLong ? kafkaAbsence() : 'a long run, without TENON_FAULT_RUNS'
const drivers: readonly DriverName[] = ['sqlite', ...(absence ? [] : kafkaClients)]
const canStop = process.platform !== 'win32'
const queue = { maxHandlerMs: 500, stallAfterMs: 1_500 }
const partitionCount = 4
const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
const patience = { timeoutMs: 90_000 }

describe.skipIf(!canStop)(
  `a process in a group${absence ? ` (not on Kafka: ${absence})` : ''}`,
  { timeout: isLong ? 900_000 : 240_000 },
  () => {
    test.each(drivers)(
      'that is stopped and goes on is live and in its group again, which went on without it, on %s',
      async (driver) => {
        await using place = await openPlace(driver, { partitionCount, sessionTimeoutMs: sessionTimeoutMs(driver) })
        await using stopped = await startProbedProcess({ ...place, queue })
        await using other = await startProbed({ ...place, driver: place.newDriver(), queue })
        using watched = watchProbes(other.at)
        await eventually(() => requireShared(stopped, other), patience)
        const owned = (await consumerAt(stopped.at)).partitions
        await send(place.sender, { ...place, partition: owned[0] ?? 0 }, ['held'])
        await eventually(() => expect(stopped.told('began')).toContain('held'), patience)

        stopped.process.child.kill('SIGSTOP')
        await sendToAll(place, 'meanwhile')
        await eventually(() => expect(other.handled.toSorted()).toEqual(['held', ...idsOf('meanwhile')]), patience)
        await expect(statusesOf(stopped.at, AbortSignal.timeout(200))).rejects.toThrow('aborted')

        stopped.process.child.kill('SIGCONT')
        expect(await statusesOf(stopped.at)).toBe('200 200')
        using watchedAgain = watchProbes(stopped.at)
        await eventually(() => requireShared(stopped, other), patience)
        await sendToAll(place, 'after')
        await eventually(() => requireHandled([stopped, other], idsOf('after')), patience)
        expect(stopped.told('handled').some((id) => id.startsWith('after'))).toBe(true)
        await eventually(() => requireCommitted(place.sender, place.topic, place.group), patience)
        // Longer than anything may stand still.
        await eventually(() => expect(watchedAgain.askedCount).toBeGreaterThan(100), patience)
        expect([watched.seen, watchedAgain.seen, other.errors]).toEqual([['200 200'], ['200 200'], []])
      },
    )

    test.each(drivers)('is live and ready all the time while others come, go and are killed, on %s', async (driver) => {
      await using place = await openPlace(driver, { partitionCount, sessionTimeoutMs: sessionTimeoutMs(driver) })
      await using steady = await startProbed({ ...place, driver: place.newDriver(), queue })
      using watched = watchProbes(steady.at)
      const members: ProbedProcess[] = []
      onTestFinished(async () => void (await Promise.all(members.map((member) => member[Symbol.asyncDispose]()))))
      for (let round = 0; round < roundCount; round++) {
        const joining = startProbedProcess({ ...place, queue })
        await sendToAll(place, `round ${round}`)
        const oldest = members.at(-1)
        // One goes in good order, the next without a word.
        oldest?.process.child.kill(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
        members.push(await joining)
        await oldest?.process.ended
      }
      const sent = Array.from({ length: roundCount }, (_, round) => idsOf(`round ${round}`)).flat()
      await eventually(() => requireHandled([steady, ...members], sent), patience)
      await eventually(() => requireCommitted(place.sender, place.topic, place.group), patience)
      expect([watched.seen, steady.errors]).toEqual([['200 200'], []])
    })
  },
)

/** How many others come and go. */
const roundCount = isLong ? 20 : 2

/** Kafka lets nobody into a group who may be silent for less. @see Kafka broker setting group.min.session.timeout.ms: 6,000 */
function sessionTimeoutMs(driver: DriverName): number {
  return driver === 'sqlite' ? 1_000 : 6_000
}

type Handler = Pick<ProbedProcess, 'told'> | Pick<RunningProbed, 'handled'>

function handledBy(one: Handler): readonly string[] {
  return 'handled' in one ? one.handled : one.told('handled')
}

/** @throws Error while messages are handled by none of them */
function requireHandled(all: readonly Handler[], ids: readonly string[]): void {
  const handled = new Set(all.flatMap(handledBy))
  expect(ids.filter((id) => !handled.has(id))).toEqual([])
}

/** @throws Error while not both own something, and all together */
async function requireShared(one: ProbedProcess, other: RunningProbed): Promise<void> {
  const owned = await Promise.all([one.at, other.at].map(async (at) => (await consumerAt(at)).partitions))
  expect(owned.map(({ length }) => length)).toEqual([partitionCount / 2, partitionCount / 2])
  expect(new Set(owned.flat())).toEqual(new Set(partitions))
}

/** Sends a message to each partition. */
async function sendToAll({ sender, topic }: QueuePlace, prefix: string): Promise<void> {
  await Promise.all(partitions.map((partition) => send(sender, { topic, partition }, [`${prefix} ${partition}`])))
}

function idsOf(prefix: string): readonly string[] {
  return partitions.map((partition) => `${prefix} ${partition}`)
}
