import { expect, test } from 'vitest'
import { QueueCall } from './queue-call.ts'
import { callFacts } from './queue-call.test-harness.ts'

const record = { topic: 't', partition: 0, offset: 7, timestampAt: 0, key: null, value: null, headers: [] }
const message = { metadata: {}, notBeforeAt: 0, expiresAt: 0, payload: () => 'payload' }
const newCall = () => new QueueCall(record, { ...callFacts, message })
const isQuiet = (call: QueueCall) =>
  Promise.race([call.quiet.then(() => true), new Promise((resolve) => setImmediate(resolve, false))])

test('is quiet when nothing of it runs any more', async () => {
  const call = newCall()
  expect(call.decode()).toBe('payload')
  expect(await isQuiet(call)).toBe(false)
  call.ended()
  expect(await isQuiet(call)).toBe(true)
})

test('is quiet when it was refused before its handler saw it, of which nobody tells', async () => {
  expect(await isQuiet(newCall())).toBe(true)
})
