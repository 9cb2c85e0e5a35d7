import { expect, test } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import {
  countdown,
  headersOf,
  logInto,
  messages,
  seeded,
  start,
  topic,
  toRecord,
} from '../queue-transport.test-harness.ts'
import { listDeadLetters } from './list-dead-letters.ts'
import { redriveDeadLetter } from './redrive-dead-letter.ts'

const past = '2020-01-01T00:00:00Z'

test('a message that had expired is handled when it is redriven', async () => {
  const broker = await seeded([toRecord('{"orderId":"k","count":7}', 'k', { CE_expirytime: past, ce_id: '1' })])
  const seen: number[] = []
  const done = countdown(1)
  const handle = async ({ count }: { readonly count: number }) => {
    seen.push(count)
    done.tick()
  }
  const { onDeadLetter } = await start(broker, handle)
  await onDeadLetter
  const driver = memoryDriver({ broker })
  const [letter] = (await listDeadLetters(driver, { topic, group: 'user' })).letters
  expect(letter).toMatchObject({ reason: 'expired', attemptCount: 0 })
  if (letter === undefined) throw new Error('expected a letter')
  await redriveDeadLetter(driver, letter)
  await done.reached
  expect(seen).toEqual([7])
  expect(headersOf(broker.records(topic)[1])).toEqual({
    ce_id: '1',
    'tenon-redrive-group': 'user',
    'tenon-redrive-letter': letter.position,
  })
})

test('an expired event in structured mode, which would be given up again, is refused', async () => {
  const driver = memoryDriver({ broker: memoryBroker() })
  const letter = {
    position: 'dlq/0@0',
    group: 'user',
    source: { topic, partition: 0, offset: 0, timestampAt: 0 },
    key: null,
    value: Buffer.from('{}'),
    headers: [['Content-Type', Buffer.from('application/cloudevents+json; charset=utf-8')]] as const,
    isValueOmitted: false,
    areHeadersOmitted: false,
    isKeyOmitted: false,
    handler: 'h',
    code: 'deadline_exceeded',
    message: 'the message has expired',
    reason: 'expired',
    attemptCount: 0,
    firstFailedAt: 0,
    lastFailedAt: 0,
  }
  await expect(redriveDeadLetter(driver, letter)).rejects.toMatchObject({ code: 'failed_precondition' })
  await redriveDeadLetter(driver, { ...letter, reason: 'other' })
})

test('what nobody could read was attempted by nobody', async () => {
  const broker = await seeded([toRecord('garbage'), ...messages(1)])
  const done = countdown(1)
  await start(broker, async () => done.tick())
  await done.reached
  const [letter] = (await listDeadLetters(memoryDriver({ broker }), { topic, group: 'user' })).letters
  expect(letter).toMatchObject({ reason: 'undecodable', attemptCount: 0 })
})

test('a message that was redriven for another group is passed over, which the log tells once', async () => {
  const other = toRecord('{"orderId":"k","count":1}', 'k', { 'tenon-redrive-group': 'nobody' })
  const broker = await seeded([other, ...messages(1)])
  const done = countdown(1)
  const told: unknown[] = []
  const seen: number[] = []
  const handle = async ({ count }: { readonly count: number }) => {
    seen.push(count)
    done.tick()
  }
  await start(broker, handle, { log: logInto(told) })
  await done.reached
  expect(seen).toEqual([0])
  const words = `consume ${topic} passes a message over: it was redriven for another group`
  expect(told.filter((line) => JSON.stringify(line).includes('redriven'))).toEqual([['debug', { offset: 0 }, words]])
})
