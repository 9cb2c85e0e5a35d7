import { defineConsumer, defineHandler, defineService } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import type { OperationEndpoint, Pressure, Transport } from '@tenon/core/transport'
import Type from 'typebox'
import { expect, it, onTestFinished, vi } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { queueTransport } from '../queue-transport.ts'
import { settled, stillClock } from './batch/batch.test-harness.ts'

const Empty = Type.Object({})
const works = contract('held.v1.WorkService', { work: { input: Empty, output: Empty } })
const noted = event('held.noted.v1', { key: 'noteId', payload: Type.Object({ noteId: Type.String() }) })

/** Calls that come without any wire, more at a time than are done, and how much the service says that they press. */
function directCalls() {
  const operations: OperationEndpoint[] = []
  let pressure: Pressure = 'normal'
  let hasEnded = false
  let doneCount = 0
  const transport: Transport = {
    name: 'direct',
    carries: () => true,
    bind: (host) => {
      operations.push(...host.operations)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        pressureChanged: (changed) => void (pressure = changed),
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  const lane = async () => {
    while (!hasEnded) {
      const outcome = await operations[0]?.dispatch({ transport: 'direct', metadata: {}, decode: () => ({}) })
      if (outcome?.ok === true) doneCount += 1
      await settled()
    }
  }
  return {
    transport,
    pressure: () => pressure,
    /** They come until they are ended, so that they have to wait all the time. */
    begin: async () => {
      const lanes = Array.from({ length: 200 }, lane)
      await vi.waitFor(() => expect(pressure).toBe('high'), 5_000)
      return async () => {
        hasEnded = true
        await Promise.all(lanes)
      }
    },
    /** Until so many more were done. */
    pass: async (count: number) => {
      const target = doneCount + count
      while (doneCount < target && !hasEnded) await settled()
    },
    end: () => void (hasEnded = true),
  }
}

type Began = (noteIds: readonly string[]) => void

/** A service with one consumer that calls come to as well, and under which pressure its handler began. */
async function start(consumerOf: (began: Began) => ReturnType<typeof defineConsumer>) {
  const broker = memoryBroker({ partitionCount: 1 })
  const clock = stillClock()
  const calls = directCalls()
  const queue = queueTransport({ driver: memoryDriver({ broker }), clock })
  const began: [pressure: Pressure, ...noteIds: string[]][] = []
  const work = () => {
    const endsAtMs = performance.now() + 1
    while (performance.now() < endsAtMs);
    return {}
  }
  const started = await defineService({
    name: 'work',
    version: '1.0.0',
    admin: false,
    overload: { maxDelayMs: 20 },
    handlers: [
      defineHandler(works, () => ({ work })),
      consumerOf((noteIds) => began.push([calls.pressure(), ...noteIds])),
    ],
    // The first is told of a change before the other.
    transports: () => [calls.transport, queue],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  onTestFinished(async () => {
    calls.end()
    await started.stop()
  })
  const send = (noteIds: string) =>
    memoryDriver({ broker }).produce(
      Array.from(noteIds, (noteId) => ({
        topic: noted.topic,
        key: Buffer.from(noteId),
        value: Buffer.from(JSON.stringify({ noteId })),
        headers: [],
      })),
      { timeoutMs: 1_000 },
    )
  const report = async () => (await queue.consumers())[0]
  return { calls, clock, began, send, report }
}

it.each([
  ['a group', {}],
  ['a broadcast', { broadcast: true, start: 'earliest' }],
] as const)('begins no message of %s while its calls have to wait, and all of them then', async (_name, options) => {
  const { calls, began, send, report } = await start((note) =>
    defineConsumer(
      noted,
      () =>
        ({ noteId }) =>
          note([noteId]),
      options,
    ),
  )
  expect(await report()).toMatchObject({ isHeld: false })
  const end = await calls.begin()
  await send('abc')
  await calls.pass(50)
  expect([began, await report()]).toMatchObject([[], { isHeld: true, state: 'assigned' }])
  await end()
  await vi.waitFor(() => expect(began).toHaveLength(3), 5_000)
  expect(began).toEqual(['a', 'b', 'c'].map((noteId) => ['normal', noteId]))
  expect(await report()).toMatchObject({ isHeld: false })
})

it('begins no batch while its calls have to wait, though it is due, and begins it then', async () => {
  const { calls, clock, began, send, report } = await start((note) =>
    defineConsumer(noted, () => (items) => note(items.map(({ payload }) => payload.noteId)), {
      batch: { maxCount: 9, maxWaitMs: 1_000 },
    }),
  )
  await send('a')
  await vi.waitFor(async () => expect(await report()).toMatchObject({ oldest: [{ stage: 'gathered' }] }), 5_000)
  const end = await calls.begin()
  clock.advance(1_000)
  await calls.pass(50)
  expect([began, await report()]).toMatchObject([[], { isHeld: true }])
  await end()
  await vi.waitFor(() => expect(began).toEqual([['normal', 'a']]), 5_000)
})
