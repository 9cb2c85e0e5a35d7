import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { ProduceBound, RecordToSend } from '../../../queue-driver.ts'
import { fakeClock, logInto } from '../../../queue-transport.test-harness.ts'
import { orAborted } from '../../../wait.ts'
import { RetryWriter } from './retry-writer.ts'

const never = new AbortController().signal
const away = () => new ServiceError('unavailable', 'away')
const tooLarge = () => new ServiceError('internal', 'too large')
const gone = () => new ServiceError('not_found', 'no such topic')
const forbidden = () => new ServiceError('permission_denied', 'not allowed')

function* endless(): Generator<number, never> {
  for (;;) yield 100
}

interface WriterOptions {
  readonly prepare?: () => Promise<undefined>
  /** Whether its topic is gone when the broker says so. */
  readonly missed?: () => boolean
}

/** A writer whose requests go as a test says; each is kept as the texts of its records. */
function writerTo(
  answer: (requests: readonly (readonly string[])[]) => Promise<void> | void,
  { prepare = async () => undefined, missed = () => false }: WriterOptions = {},
) {
  const requests: string[][] = []
  const told: unknown[] = []
  const [ending, losing] = [new AbortController(), new AbortController()]
  const clock = fakeClock()
  const writer = new RetryWriter({
    driver: {
      produce: async (records: readonly RecordToSend[], { signal = never }: ProduceBound) => {
        requests.push(records.map(({ value }) => String(value)))
        await orAborted(Promise.resolve(answer(requests)), signal)
      },
    },
    clock,
    log: logInto(told),
    timeoutMs: 1,
    revoked: ending.signal,
    lost: losing.signal,
    delays: endless,
    prepare,
    missed: async () => {
      if (missed()) writer.restart()
    },
    isRefused: () => false,
  })
  const append = (text: string) =>
    writer.append((sequence) => ({ topic: 't', key: null, value: Buffer.from(`${sequence}${text}`), headers: [] }))
  return { append, requests, told, ending, losing }
}

test('what is asked while a request is under way goes with the next one, in its order', async () => {
  const { append, requests } = writerTo(() => undefined)
  expect(await Promise.all([append('a'), append('b'), append('c')])).toEqual(['stored', 'stored', 'stored'])
  expect(requests).toEqual([['1a'], ['2b', '3c']])
})

test('a request that failed is sent again as it is', async () => {
  const { append, requests, told } = writerTo(({ length }) => {
    if (length < 3) throw away()
  })
  expect(await append('a')).toBe('stored')
  expect(requests).toEqual([['1a'], ['1a'], ['1a']])
  expect(told).toHaveLength(1)
})

test('what is unfit does not take others with it', async () => {
  const { append } = writerTo((requests) => {
    if (requests.at(-1)?.includes('2b')) throw tooLarge()
  })
  expect(await Promise.all([append('a'), append('b'), append('c')])).toEqual(['stored', 'unfit', 'stored'])
})

test('what may be stored already is not refused any more', async () => {
  const { append, requests } = writerTo(({ length }) => {
    if (length === 1) throw away()
    if (length === 2) throw forbidden()
  })
  expect(await append('a')).toBe('stored')
  expect(requests).toHaveLength(3)
})

test('a record with which a broker finds fault is unfit, also where an earlier request was not answered', async () => {
  const { append, requests } = writerTo((sent) => {
    if (sent.length === 2) throw away()
    if (sent.length > 2 && sent.at(-1)?.includes('3c')) throw tooLarge()
  })
  expect(await Promise.all([append('a'), append('b'), append('c')])).toEqual(['stored', 'stored', 'unfit'])
  expect(requests).toEqual([['1a'], ['2b', '3c'], ['2b', '3c'], ['2b'], ['3c']])
})

test('a request holds what brokers take at once, and a record that is larger goes alone', async () => {
  const { append, requests } = writerTo(() => undefined)
  const sizes = [1, 400_000, 500_000, 200_000, 1_200_000, 1, 1]
  await Promise.all(sizes.map((size) => append('x'.repeat(size))))
  expect(requests.map((texts) => texts.map(({ length }) => length - 1))).toEqual([
    [1],
    [400_000, 500_000],
    [200_000],
    [1_200_000],
    [1, 1],
  ])
})

test('a topic that cannot be made is a refusal', async () => {
  const { append, requests } = writerTo(() => undefined, { prepare: () => Promise.reject(new Error('not allowed')) })
  expect(await append('a')).toBe('refused')
  expect(requests).toEqual([])
})

test('a topic that is gone is prepared anew, and what was made for it is refused', async () => {
  let preparedCount = 0
  const prepare = async () => void (preparedCount += 1)
  const { append, requests } = writerTo(
    ({ length }) => {
      if (length === 2) throw away()
      if (length === 3) throw gone()
    },
    { prepare, missed: () => true },
  )
  expect(await append('a')).toBe('stored')
  expect(await Promise.all([append('b'), append('c'), append('d')])).toEqual(['refused', 'refused', 'refused'])
  expect([requests, preparedCount]).toEqual([[['1a'], ['2b'], ['2b']], 1])
  expect([await append('e'), preparedCount]).toEqual(['stored', 2])
})

test('one of which a broker does not know is asked for again while it need not be gone', async () => {
  let preparedCount = 0
  const prepare = async () => void (preparedCount += 1)
  const { append } = writerTo(
    ({ length }) => {
      if (length === 2) throw gone()
    },
    { prepare },
  )
  expect([await append('a'), await append('b'), await append('c')]).toEqual(['stored', 'refused', 'stored'])
  expect(preparedCount).toBe(1)
})

test('what is under way when the partition is given up counts as not stored, unless it is', async () => {
  const failed = writerTo(() => {
    failed.ending.abort()
    throw away()
  })
  expect(await failed.append('a')).toBe('revoked')
  const { append, ending } = writerTo(() => ending.abort())
  expect(await append('a')).toBe('stored')
})

test('what is under way when the partition is given up is waited for, until another may own it', async () => {
  const answer = Promise.withResolvers<void>()
  const { append, requests, ending } = writerTo(() => answer.promise)
  const outcomes = [append('a'), append('b')]
  await turn()
  ending.abort()
  await turn()
  answer.resolve()
  expect(await Promise.all(outcomes)).toEqual(['stored', 'revoked'])
  expect(requests).toEqual([['1a']])
  const unheard = writerTo(() => new Promise(() => undefined))
  const outcome = unheard.append('a')
  await turn()
  unheard.ending.abort()
  unheard.losing.abort()
  expect(await outcome).toBe('revoked')
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
