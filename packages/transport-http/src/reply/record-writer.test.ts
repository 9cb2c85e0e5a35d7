import { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RecordWriter } from './record-writer.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A reply that writes down what is written, to a caller that reads or does not. */
function replyTo() {
  const written: string[] = []
  const out = {
    destroyed: false,
    writableEnded: false,
    writableNeedDrain: false,
    write: (text: string) => written.push(text) > 0,
  }
  return { written, out, asReply: Object.setPrototypeOf(out, ServerResponse.prototype) as ServerResponse }
}

const heartbeat = { text: '!', afterMs: 100 }
const written = () => new Promise<void>((resolve) => process.nextTick(resolve))

async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await written()
}

test('records that come at once are written together, those that fill a batch at once', async () => {
  const { written: texts, asReply } = replyTo()
  const records = new RecordWriter(asReply, { ...heartbeat, afterMs: 0 })
  records.start('')
  records.add('a')
  records.add('b')
  expect(texts).toEqual([])
  await written()
  records.add('x'.repeat(20_000))
  expect(texts).toEqual(['ab', 'x'.repeat(20_000)])
})

test('a sign of life comes after each silence, and only then', async () => {
  const { written: texts, asReply } = replyTo()
  const records = new RecordWriter(asReply, heartbeat)
  records.start('>')
  await pass(0)
  await pass(99)
  expect(texts).toEqual(['>'])
  records.add('a')
  await pass(0)
  await pass(99)
  expect(texts).toEqual(['>', 'a'])
  await pass(1)
  await pass(100)
  expect(texts).toEqual(['>', 'a', '!', '!'])
  records.end()
  expect(vi.getTimerCount()).toBe(0)
})

test('a caller that has not read what was written gets no sign of life, until it reads on', async () => {
  const { written: texts, out, asReply } = replyTo()
  const records = new RecordWriter(asReply, heartbeat)
  records.start('')
  out.writableNeedDrain = true
  await pass(100)
  await pass(100)
  expect(texts).toEqual([])
  out.writableNeedDrain = false
  await pass(100)
  expect(texts).toEqual(['!'])
  out.destroyed = true
  await pass(100)
  expect(texts).toEqual(['!'])
  records.end()
})

test('nothing is waited for where no sign of life is wanted, nor before the stream begins', () => {
  const { asReply } = replyTo()
  new RecordWriter(asReply, { ...heartbeat, afterMs: 0 }).start('')
  expect(vi.getTimerCount()).toBe(0)
  const records = new RecordWriter(asReply, heartbeat)
  expect(vi.getTimerCount()).toBe(0)
  records.end()
})

test('what is left at the end is written', () => {
  const { written: texts, asReply } = replyTo()
  const records = new RecordWriter(asReply, heartbeat)
  records.start('')
  records.add('a')
  records.end()
  expect(texts).toEqual(['a'])
})
