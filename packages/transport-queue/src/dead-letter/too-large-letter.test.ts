import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { recordTooLarge } from '../driver/record-too-large.ts'
import { sqliteDriver } from '../driver/sqlite/sqlite-driver.ts'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import { countdown, deadLetters, fakeClock, logInto, start, topic, toRecord } from '../queue-transport.test-harness.ts'
import { deadLetterForms } from './dead-letter.ts'
import { listDeadLetters } from './list-dead-letters.ts'
import { redriveDeadLetter } from './redrive-dead-letter.ts'

const maxRecordBytes = 4_096
const bound = { timeoutMs: 5_000 }
const good = toRecord('{"orderId":"k","count":0}')

/** What is given up, and what of it the broker cannot take again. */
const hostile = {
  value: { ...toRecord('x'.repeat(maxRecordBytes - 1)), sheds: {} },
  header: {
    ...toRecord('garbage', 'k', { h: 'x'.repeat(maxRecordBytes - 9) }),
    sheds: { areHeadersOmitted: true },
  },
  key: { ...toRecord('', 'k'.repeat(maxRecordBytes)), sheds: { areHeadersOmitted: true, isKeyOmitted: true } },
}

describe.each([
  ['sqlite', sqlite],
  ['memory', memory],
] as const)('on %s', (_name, open) => {
  it.for(['value', 'header', 'key'] as const)(
    'a message whose %s leaves no room for what is added holds nothing up, and its letter says what it lacks',
    async (part) => {
      const { sheds, ...record } = hostile[part]
      const driver = open()
      await driver.connect({ clientId: 'test' })
      await driver.ensureTopics([{ topic, partitionCount: 1 }])
      await driver.produce([record, good], bound)
      const done = countdown(1)
      const told: unknown[] = []
      await start(memoryBroker(), async () => done.tick(), { driver, log: logInto(told) })
      await done.reached
      await expect.poll(() => driver.describe(deadLetters, 'x')).toMatchObject([{ nextOffset: 1 }])
      const [letter] = (await listDeadLetters(driver, { topic, group: 'user' })).letters
      const lacks = { isValueOmitted: true, areHeadersOmitted: false, isKeyOmitted: false, ...sheds }
      expect(letter).toMatchObject({ ...lacks, value: null, source: { topic, partition: 0, offset: 0 } })
      const lacked = ['value', ...(lacks.areHeadersOmitted ? ['headers'] : []), ...(lacks.isKeyOmitted ? ['key'] : [])]
      const last = `consume ${topic} gave a message up; it is in ${deadLetters} without its ${lacked.join(', ')}, which the broker found too large`
      await expect.poll(() => told).toContainEqual(['error', expect.anything(), last])
      expect(letter?.key === null).toBe(lacks.isKeyOmitted)
      if (letter === undefined) throw new Error('expected a letter')
      await expect(redriveDeadLetter(driver, letter)).rejects.toMatchObject({ code: 'failed_precondition' })
    },
  )
})

it('what is refused for another reason keeps its value, and is stored when it is taken', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  const inner = memoryDriver({ broker })
  await inner.produce([toRecord('garbage'), good], bound)
  let refusals = 3
  const driver = Object.assign(memoryDriver({ broker }), {
    produce: async (records: readonly RecordToSend[]) => {
      if (refusals-- > 0) throw new ServiceError('internal', 'not allowed to write')
      await inner.produce(records, bound)
    },
  })
  const done = countdown(1)
  await start(broker, async () => done.tick(), { driver, clock: fakeClock() })
  await done.reached
  const [letter] = (await listDeadLetters(inner, { topic, group: 'user' })).letters
  expect(letter).toMatchObject({ isValueOmitted: false, value: Buffer.from('garbage') })
})

it('no smaller letter is made before the broker asks for it', () => {
  let readCount = 0
  const error = Object.defineProperty(new ServiceError('internal', ''), 'message', {
    get: () => {
      readCount += 1
      return 'no'
    },
  })
  const record = { ...toRecord('{}'), partition: 0, offset: 0, timestampAt: 0 }
  const burial = { error, group: 'user', handler: 'h', attemptCount: 1, firstFailedAt: 0, failedAt: 0 }
  const forms = deadLetterForms(record, burial)
  const made = Array.from({ length: 4 }, () => [forms.next().done, readCount])
  expect(made).toEqual([
    [false, 1],
    [false, 1],
    [false, 1],
    [true, 2],
  ])
})

function sqlite(): QueueDriver {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-letter-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return sqliteDriver({ path: join(folder, 'queue.db'), partitionCount: 1, maxRecordBytes })
}

/** The memory broker takes what it gets; this one does not. */
function memory(): QueueDriver {
  const inner = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
  const produce = async (records: readonly RecordToSend[], given: typeof bound) => {
    if (records.some((record) => sizeOf(record) > maxRecordBytes)) throw recordTooLarge('too large', undefined)
    await inner.produce(records, given)
  }
  return Object.assign(Object.create(inner) as QueueDriver, {
    connect: inner.connect.bind(inner),
    ensureTopics: inner.ensureTopics.bind(inner),
    describe: inner.describe.bind(inner),
    read: inner.read.bind(inner),
    join: inner.join.bind(inner),
    close: inner.close.bind(inner),
    produce,
  })
}

function sizeOf({ key, value, headers }: RecordToSend): number {
  return Buffer.concat([key ?? Buffer.of(), value ?? Buffer.of(), ...headers.map(([, text]) => text)]).length
}
