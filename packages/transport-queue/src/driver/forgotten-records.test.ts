import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import type { RecordToSend } from '../queue-driver.ts'
import { ProduceQueue } from './produce-queue.ts'

const settings = { lingerMs: 0, maxBatchBytes: 524_288, maxBufferedBytes: 33_554_432 }
const bound = { timeoutMs: 60_000 }

it('a request is not tried again once nobody waits for any of its records, and not before', async () => {
  const { queue, sent } = open()
  const [one, other] = [new AbortController(), new AbortController()]
  const pushed = [one, other].map(({ signal }, index) => queue.push([record(`${index}`)], { ...bound, signal }))
  const told = Promise.allSettled(pushed)
  await turn()
  one.abort()
  expect(sent[0]?.over.aborted).toBe(false)
  other.abort()
  expect(sent[0]?.over.aborted).toBe(true)
  expect(await told).toMatchObject([{ reason: { code: 'cancelled' } }, { reason: { code: 'cancelled' } }])
})

it('what comes behind goes on its way when the last try has ended, and is not told what that said of the topic', async () => {
  const { queue, sent } = open()
  const giveUp = new AbortController()
  const forgotten = queue.push([record('forgotten')], { ...bound, signal: giveUp.signal })
  await turn()
  const next = queue.push([record('next')], bound)
  giveUp.abort()
  await expect(forgotten).rejects.toMatchObject({ code: 'cancelled' })
  await turn()
  expect(sent).toHaveLength(1)
  sent[0]?.done.reject(new ServiceError('not_found', 'unknown for a moment'))
  await turn()
  expect(sent.map(({ values }) => values)).toEqual([['forgotten'], ['next']])
  sent[1]?.done.resolve()
  await next
})

interface Sent {
  readonly values: readonly string[]
  readonly over: AbortSignal
  readonly done: PromiseWithResolvers<void>
}

/** A queue of one partition, and the requests that are made of it. */
function open() {
  const sent: Sent[] = []
  const send = (records: readonly RecordToSend[], _place: unknown, over: AbortSignal) => {
    const done = Promise.withResolvers<void>()
    sent.push({ values: records.map(({ value }) => String(value)), over, done })
    return done.promise
  }
  return { sent, queue: new ProduceQueue(settings, { partitionCountOf: async () => 1, send }) }
}

function record(value: string): RecordToSend {
  return { topic: 't', key: null, value: Buffer.from(value), headers: [] }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
