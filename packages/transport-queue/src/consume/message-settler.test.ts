import { type Arrival, type Disposition, type ErrorCode, errorCodes, ServiceError } from '@tenon/core/transport'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import {
  bind,
  countdown,
  countsOf,
  deadLetters,
  fakeClock,
  headersOf,
  logInto,
  messages,
  type Placed,
  seeded,
  start,
  topic,
  toRecord,
} from '../queue-transport.test-harness.ts'
import { dispositions } from './plan/disposition.ts'

test('handles a message again in its place until it succeeds, with growing delays', async () => {
  const broker = await seeded(messages(2))
  const attempts: string[] = []
  const done = countdown(1)
  const clock = fakeClock()
  const handle = async ({ count }: Placed, { attempt = 0 }: Arrival) => {
    attempts.push(`${count}:${attempt}`)
    if (count === 0 && attempt < 4) throw new Error('not yet')
    if (count === 1) done.tick()
  }
  await start(broker, handle, { clock, random: () => 1 })
  await done.reached
  expect(attempts).toEqual(['0:1', '0:2', '0:3', '0:4', '1:1'])
  expect(clock.waitedMs).toEqual([200, 400, 800])
})

test('keeps a message that is told "not now" beyond the attempts, until it is too old', async () => {
  const broker = await seeded(messages(1))
  const done = countdown(1)
  const clock = fakeClock()
  const handle = async () => {
    throw new ServiceError('unavailable', 'the database is away')
  }
  const { onDeadLetter } = await start(broker, handle, { clock, retry: { maxAgeMs: 300_000 }, random: () => 1 })
  void onDeadLetter.then(done.tick)
  await done.reached
  const attempts = Number(headersOf(broker.records(deadLetters)[0])['tenon-attempts'])
  expect(attempts).toBeGreaterThan(10)
  expect(clock.now()).toBeGreaterThanOrEqual(300_000)
})

test('handles a message that was redriven for a group without a name: nobody else would', async () => {
  const broker = await seeded([toRecord('{"orderId":"k","count":1}', 'k', { 'tenon-redrive-group': '' })])
  const done = Promise.withResolvers<number>()
  await start(broker, async ({ count }) => done.resolve(count))
  expect(await done.promise).toBe(1)
})

test('waits as long as the failed callee asks for', async () => {
  const broker = await seeded(messages(1))
  const done = countdown(1)
  const clock = fakeClock()
  const handle = async (_payload: Placed, { attempt }: Arrival) => {
    if (attempt !== 1) return done.tick()
    throw new ServiceError('resource_exhausted', 'slow down', { details: { retryDelayMs: 7_000 } })
  }
  await start(broker, handle, { clock })
  await done.reached
  expect(clock.waitedMs).toEqual([7_000])
})

test('gives up a message whose expiry time has passed, without handling it', async () => {
  const expired = { ...toRecord('{}'), headers: [['ce_expirytime', Buffer.from('2020-01-01T00:00:00Z')]] as const }
  const broker = await seeded([expired, ...messages(1)])
  const seen: number[] = []
  const done = countdown(1)
  await start(broker, async ({ count }) => {
    seen.push(count)
    done.tick()
  })
  await done.reached
  expect(seen).toEqual([0])
  expect(headersOf(broker.records(deadLetters)[0])).toMatchObject({
    'tenon-error-code': 'deadline_exceeded',
    'tenon-error-reason': 'expired',
  })
})

test('hands headers to the handler as metadata with lower-case names', async () => {
  const broker = await seeded([
    { ...toRecord('{"orderId":"k","count":0}'), headers: [['X-Tenant', Buffer.from('acme')]] },
  ])
  const arrived = Promise.withResolvers<Arrival>()
  await start(broker, async (_payload, arrival) => arrived.resolve(arrival))
  expect(await arrived.promise).toMatchObject({
    transport: 'queue',
    metadata: { 'x-tenant': 'acme' },
    peer: `${topic}/0@0`,
    attempt: 1,
    isTrusted: true,
  })
})

describe('what a consumer says', () => {
  test('skips a message as if it had been handled, and a line of log says so', async () => {
    const broker = await seeded(messages(2))
    const told: unknown[] = []
    const done = countdown(1)
    const handle = async ({ count }: Placed) => {
      if (count === 0) throw new ServiceError('not_found', 'no such order', { reason: 'order_gone' })
      done.tick()
    }
    const options = { log: logInto(told), commitIntervalMs: 0, delivery: { failures: { not_found: 'skip' } } } as const
    const { server, transport } = await start(broker, handle, options)
    await done.reached
    await expect.poll(() => transport.consumers()).toMatchObject([{ lagCount: 0 }])
    await server.close()
    expect(broker.records(deadLetters)).toEqual([])
    const error = expect.objectContaining({ message: 'no such order' }) as unknown
    expect(told).toEqual([
      [
        'warn',
        { offset: 0, code: 'not_found', reason: 'order_gone', attempt: 1, err: error },
        `consume ${topic} failed; the message is skipped, as its consumer says of not_found`,
      ],
    ])
  })

  test('gives up at once what the table would handle again, and the other way round', async () => {
    const broker = await seeded(messages(2))
    const attempts: string[] = []
    const done = countdown(1)
    const handle = async ({ count }: Placed, { attempt }: Arrival) => {
      attempts.push(`${count}:${attempt}`)
      if (count === 0) throw new ServiceError('aborted', 'no')
      if (attempt === 3) return done.tick()
      throw new ServiceError('already_exists', 'not yet')
    }
    const delivery = { failures: { aborted: 'dead_letter', already_exists: 'retry' } } as const
    await start(broker, handle, { clock: fakeClock(), delivery })
    await done.reached
    expect(attempts).toEqual(['0:1', '1:1', '1:2', '1:3'])
    expect(headersOf(broker.records(deadLetters)[0])).toMatchObject({ 'tenon-error-code': 'aborted' })
  })

  test('limits attempts and waits instead of the transport', async () => {
    const broker = await seeded(messages(1))
    const clock = fakeClock()
    const handle = async () => {
      throw new Error('no')
    }
    const delivery = { retry: { maxAttemptCount: 4, initialDelayMs: 10, maxDelayMs: 15 } }
    const transport = { maxAttemptCount: 9, initialDelayMs: 1_000, maxDelayMs: 9_000 }
    const { onDeadLetter } = await start(broker, handle, { clock, random: () => 1, retry: transport, delivery })
    await onDeadLetter
    expect(clock.waitedMs).toEqual([10, 15, 15])
  })

  test('limits how old a failing message may become', async () => {
    const broker = await seeded(messages(1))
    const clock = fakeClock()
    const handle = async () => {
      throw new ServiceError('unavailable', 'away')
    }
    const delivery = { retry: { maxAgeMs: 1_000, initialDelayMs: 400 } }
    const { onDeadLetter } = await start(broker, handle, { clock, random: () => 1, delivery })
    await onDeadLetter
    expect(clock.waitedMs).toEqual([400, 800])
  })

  test('limits how many are handled at a time, and for how long', async () => {
    const keys = ['a', 'b', 'c', 'd']
    const broker = await seeded(keys.map((orderId, count) => toRecord(JSON.stringify({ orderId, count }), orderId)))
    let runningCount = 0
    const seen: unknown[] = []
    const done = countdown(4)
    const handle = async (_payload: Placed, { timeoutMs }: Arrival) => {
      runningCount += 1
      await Promise.resolve()
      seen.push([runningCount, timeoutMs])
      runningCount -= 1
      done.tick()
    }
    await start(broker, handle, {
      concurrency: 16,
      maxHandlerMs: 9_000,
      delivery: { concurrency: 1, maxHandlerMs: 1_234 },
    })
    await done.reached
    expect(seen).toEqual(Array(4).fill([1, 1_234]))
  })
})

/** What a handler does with one message, attempt by attempt: fails with a code, or succeeds when there are no more. */
const script = fc.array(fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])), { maxLength: 4 })
const ownFailures = fc.dictionary(
  fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])),
  fc.constantFrom<Disposition>('retry', 'wait', 'dead_letter', 'skip'),
  { maxKeys: 8 },
)

test('whatever messages fail with, each has one outcome, and those of a key have theirs in order', async () => {
  const scripts = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), script }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(scripts, ownFailures, fc.integer({ min: 1, max: 4 }), async (given, failures, maxAttemptCount) => {
      const broker = await seeded(given.map(({ key }, count) => toRecord(JSON.stringify({ orderId: key, count }), key)))
      const outcomes = given.map((one) => outcomeOf(one.script, { failures, maxAttemptCount }))
      const attempts = outcomes.reduce((sum, { attemptCount }) => sum + attemptCount, 0)
      const handled = countdown(attempts)
      const seen: Placed[] = []
      const handle = async (payload: Placed, { attempt = 0 }: Arrival) => {
        seen.push(payload)
        handled.tick()
        const code = given[payload.count]?.script[attempt - 1]
        if (code !== undefined) throw new ServiceError(code, 'as the script says')
      }
      const delivery = { failures, retry: { maxAttemptCount } }
      const { server } = bind(broker, handle, { clock: fakeClock(), delivery, commitIntervalMs: 0 })
      const committed = async () => (await memoryDriver({ broker }).describe(topic, 'user'))[0]?.committedOffset
      await server.listen()
      await handled.reached
      // Before the drain, in which some codes mean nothing.
      await expect.poll(committed, { interval: 1 }).toBe(given.length)
      await server.close()
      const letters = broker.records(deadLetters).map((letter) => Number(headersOf(letter)['tenon-source-offset']))
      expect(letters.toSorted((one, other) => one - other)).toEqual(
        outcomes.flatMap(({ end }, count) => (end === 'dead_letter' ? [count] : [])),
      )
      expect(seen).toHaveLength(attempts)
      for (const key of ['a', 'b', 'c']) {
        const inOrder = given.flatMap((one, count) =>
          one.key === key ? Array<number>(outcomes[count]?.attemptCount ?? 0).fill(count) : [],
        )
        expect(countsOf(key, seen)).toEqual(inOrder)
      }
    }),
    { numRuns: 60 },
  )
})

interface Rules {
  readonly failures: { readonly [Code in ErrorCode]?: Disposition }
  readonly maxAttemptCount: number
}

function outcomeOf(codes: readonly ErrorCode[], { failures, maxAttemptCount }: Rules) {
  let countedCount = 0
  for (const [index, code] of codes.entries()) {
    const disposition = failures[code] ?? dispositions[code]
    if (disposition === 'retry') countedCount += 1
    if (disposition === 'skip') return { end: 'skip', attemptCount: index + 1 } as const
    if (disposition === 'dead_letter' || countedCount >= maxAttemptCount)
      return { end: 'dead_letter', attemptCount: index + 1 } as const
  }
  return { end: 'handled', attemptCount: codes.length + 1 } as const
}
