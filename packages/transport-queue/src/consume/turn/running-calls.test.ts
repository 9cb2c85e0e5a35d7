import { expect, test } from 'vitest'
import { QueueCall } from '../queue-call.ts'
import { callFacts } from '../queue-call.test-harness.ts'
import { RunningCalls } from './running-calls.ts'
import { Slots } from './slots.ts'

const record = { topic: 't', partition: 0, offset: 0, timestampAt: 0, key: null, value: null, headers: [] }
const message = { metadata: {}, notBeforeAt: 0, expiresAt: 0, payload: () => undefined }
const newCall = () => new QueueCall(record, { ...callFacts, message })

/** Two places, both taken. Counts those that come free. */
function open() {
  const lost = new AbortController()
  const slots = new Slots(2)
  let freedCount = 0
  const signal = new AbortController().signal
  for (let index = 0; index < 4; index += 1) slots.seek({ signal, granted: () => (freedCount += 1) })
  const partition = { lost: lost.signal, revoked: lost.signal }
  const consumer = { dispatch: () => new Promise<never>(() => undefined) }
  const running = new RunningCalls({ partition, slots, consumer, batcher: undefined, stages: new Map() })
  return { lost, running, freedCount: () => freedCount - 2 }
}

test('a call gives its place back when it ends', () => {
  const { running, freedCount } = open()
  const call = newCall()
  void running.begin(call)
  expect(freedCount()).toBe(0)
  expect([running.end(call), freedCount()]).toEqual([true, 1])
})

test('a partition that is lost tells its calls and takes their places at once, each of them once', () => {
  const { running, lost, freedCount } = open()
  const calls = [newCall(), newCall()]
  const signals = calls.map((call) => call.signal)
  for (const call of calls) void running.begin(call)
  lost.abort()
  expect([signals.map(({ aborted }) => aborted), freedCount()]).toEqual([[true, true], 2])
  expect([calls.map((call) => running.end(call)), freedCount()]).toEqual([[false, false], 2])
})
