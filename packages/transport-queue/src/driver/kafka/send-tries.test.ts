import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askUntilKnown, type FailedTry, sendUntilKnown } from './send-tries.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const unknownTopic = failed('UNKNOWN_TOPIC_OR_PARTITION')
const lost = failed('', { mayBeStored: true })

it('tells what the last try said, when certainly nothing is stored', async () => {
  const { told, triesAtMs } = await send(() => unknownTopic)
  expect(told).toMatchObject({ code: 'not_found' })
  // For one second.
  expect(triesAtMs).toEqual([0, 100, 300, 700])
})

it.each([
  ['UNKNOWN_TOPIC_OR_PARTITION', 'unavailable'],
  ['TOPIC_AUTHORIZATION_FAILED', 'unavailable'],
  ['MESSAGE_TOO_LARGE', 'internal'],
] as const)('tells %s as %s after a try that may be stored', async (name, code) => {
  const { told } = await send((count) => (count === 1 ? lost : failed(name)))
  expect(told).toMatchObject({ code })
})

it('counts the patience with a topic from when it is first said to be unknown', async () => {
  const elsewhere = failed('NOT_ENOUGH_REPLICAS', { mayBeStored: false })
  const { told, triesAtMs } = await send((_, atMs) => (atMs < 3_000 ? elsewhere : unknownTopic))
  expect(told).toMatchObject({ code: 'not_found' })
  expect(triesAtMs.filter((atMs) => atMs >= 3_000)).toEqual([3_100, 3_200, 3_400, 3_800])
})

it('has no patience with a topic when it is told to have none', async () => {
  const { told, triesAtMs } = await send(() => unknownTopic, { topicPatienceMs: 0 })
  expect([told?.code, triesAtMs]).toEqual(['not_found', [0]])
})

it('tries nothing when nobody waits for it by then', async () => {
  const attempt = vi.fn(async () => undefined)
  const told = await sendUntilKnown(attempt, { target: 'Kafka', closing: AbortSignal.abort() })
  expect(told).toMatchObject({ code: 'unavailable' })
  expect(attempt).not.toHaveBeenCalled()
})

it('tries no longer than some nine seconds, and not at all again what is of no use', async () => {
  const { told, triesAtMs } = await send(() => lost)
  expect(told).toMatchObject({ code: 'unavailable' })
  expect(triesAtMs.at(-1)).toBeLessThanOrEqual(9_000)
  expect(triesAtMs.length).toBeGreaterThan(5)
  const refused = await send(() => failed('TOPIC_AUTHORIZATION_FAILED', { isRetriable: false }))
  expect([refused.told?.code, refused.triesAtMs]).toEqual(['permission_denied', [0]])
})

it('is content when a try succeeds', async () => {
  const { told, triesAtMs } = await send((count) => (count < 3 ? lost : undefined))
  expect([told, triesAtMs]).toEqual([undefined, [0, 100, 300]])
})

it('ends its wait when nothing is to be tried again', async () => {
  const closing = new AbortController()
  const sending = sendUntilKnown(async () => lost, { target: 'Kafka', closing: closing.signal })
  await vi.advanceTimersByTimeAsync(10)
  closing.abort()
  expect(await sending).toMatchObject({ code: 'unavailable' })
})

it('asks again about a topic that was just created, and tells what came of it when it stays away', async () => {
  const tries = { target: 'Kafka', closing: new AbortController().signal }
  let askedCount = 0
  const ask = async () => {
    askedCount += 1
    if (askedCount < 3) throw new Error('not yet')
    return 4
  }
  const asking = askUntilKnown(ask, () => unknownTopic, tries)
  await vi.advanceTimersByTimeAsync(1_000)
  expect([await asking, askedCount]).toEqual([4, 3])
  const vain = askUntilKnown(
    () => Promise.reject(new Error('never')),
    () => unknownTopic,
    tries,
  )
  const told = expect(vain).rejects.toMatchObject({ code: 'not_found' })
  await vi.advanceTimersByTimeAsync(1_000)
  await told
})

function failed(name: string, given: Partial<FailedTry> = {}): FailedTry {
  return { name, isRetriable: true, mayBeStored: false, cause: new Error(name), ...given }
}

async function send(attempt: (count: number, atMs: number) => FailedTry | undefined, more = {}) {
  const beganAtMs = performance.now()
  const triesAtMs: number[] = []
  const { signal: closing } = new AbortController()
  const sending = sendUntilKnown(
    async () => {
      const atMs = performance.now() - beganAtMs
      return attempt(triesAtMs.push(atMs), atMs)
    },
    { target: 'Kafka', closing, ...more },
  )
  await vi.advanceTimersByTimeAsync(20_000)
  return { told: await sending, triesAtMs }
}
