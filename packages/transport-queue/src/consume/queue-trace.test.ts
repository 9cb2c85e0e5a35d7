import { type Arrival, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { type Handle, seeded, start, toRecord, topic } from '../queue-transport.test-harness.ts'
import { pass, watchedConsumer } from './watch/standstill.test-harness.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** What a handler is told of the traces that its messages follow, by key. */
function noting(handle: (orderId: string) => void = () => undefined) {
  const seen: string[] = []
  const note: Handle = async ({ orderId }, arrival) => {
    seen.push(`${orderId} ${arrival.follows === undefined ? 'part' : textsOf(arrival)}`)
    handle(orderId)
  }
  return { seen, note }
}

function textsOf({ follows = [] }: Arrival): string {
  return `follows ${follows.map((metadata) => metadata['traceparent']).join(', ')}`
}

test('a message is a part of the trace that sent it, also when it is handled again at once', async () => {
  let failureCount = 1
  const { seen, note } = noting(() => {
    failureCount -= 1
    if (failureCount >= 0) throw new ServiceError('unavailable', 'not now')
  })
  const { send } = await watchedConsumer(note, { retry: { initialDelayMs: 1, maxDelayMs: 1 } })
  await send('a', 0, { traceparent })
  await pass(1_000)
  expect(seen).toEqual(['a part', 'a part'])
})

test('a message that was set aside is a trace of its own, which follows the one that sent it', async () => {
  let failureCount = 1
  const { seen, note } = noting((orderId) => {
    if (orderId !== 'a') return
    failureCount -= 1
    if (failureCount >= 0) throw new ServiceError('unavailable', 'not now', { details: { retryDelayMs: 60_000 } })
  })
  const { send } = await watchedConsumer(note, { maxUncommittedCount: 10, commitIntervalMs: 10 })
  await send('a', 0, { traceparent })
  await pass(1_000)
  await send('bc', 0, { traceparent })
  await pass(120_000)
  expect(seen).toEqual(['a part', 'b part', 'c part', `a follows ${traceparent}`])
})

test('a dead letter that was redriven is a trace of its own too', async () => {
  const redriven = toRecord('{"orderId":"a","count":1}', 'a', { traceparent, 'tenon-redrive-letter': `${topic}/0@7` })
  const broker = await seeded([redriven])
  const { promise, resolve } = Promise.withResolvers<string>()
  await start(broker, async (_payload, arrival) => resolve(textsOf(arrival)))
  expect(await promise).toBe(`follows ${traceparent}`)
})
