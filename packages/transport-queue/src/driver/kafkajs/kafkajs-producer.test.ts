import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { RecordToSend } from '../../queue-driver.ts'
import { KafkajsProducer, type KafkajsProducerParts } from './kafkajs-producer.ts'
import { type InnerBroker, watchRequests } from './kafkajs-request-watch.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const stored = [{ topicName: 't', partition: 0 }]

it('takes nothing for stored that no broker answered for, and asks a producer that knows nothing of old', async () => {
  const library = new FakeLibrary(() => [])
  expect(await library.send()).toMatchObject({ code: 'not_found' })
  expect(library.sent).toEqual([1, 2])
  const stale = new FakeLibrary(({ producer }) => (producer === 1 ? [] : stored))
  expect(await stale.send()).toBeUndefined()
  expect(stale.sent).toEqual([1, 2])
})

it('tells what is wrong with one topic only when a new producer says so too', async () => {
  const forbidden = kafkaError('TOPIC_AUTHORIZATION_FAILED')
  const library = new FakeLibrary(({ producer }) => (producer === 1 ? forbidden : stored))
  expect(await library.send()).toBeUndefined()
  expect(await new FakeLibrary(() => forbidden).send()).toMatchObject({ code: 'permission_denied' })
})

it('says unavailable, and sends nothing over another producer, when a request may be stored whose error was lost', async () => {
  const library = new FakeLibrary(({ tryCount }) => {
    // kafkajs asks about its topics after a request has failed, and throws what came of that.
    const gone = kafkaError('UNKNOWN_TOPIC_OR_PARTITION', { retriable: true })
    return tryCount === 1 ? Object.assign(gone, { request: new Error('closed') }) : gone
  })
  expect(await library.send()).toMatchObject({ code: 'unavailable' })
  expect(new Set(library.sent)).toEqual(new Set([1]))
})

it('goes on with a producer after a record that is never taken, and with another after anything else', async () => {
  const library = new FakeLibrary(({ tryCount }) => {
    if (tryCount === 1) return kafkaError('MESSAGE_TOO_LARGE')
    return tryCount === 2 ? kafkaError('REQUEST_TIMED_OUT') : stored
  })
  expect(await library.send()).toMatchObject({ code: 'internal', reason: 'record_too_large' })
  expect(await library.send()).toMatchObject({ code: 'unavailable' })
  expect(await library.send()).toBeUndefined()
  expect(library.sent).toEqual([1, 1, 2])
})

it('gives up a producer that never ends', async () => {
  const library = new FakeLibrary(({ tryCount }) => (tryCount === 1 ? new Promise(() => undefined) : stored))
  expect(await library.send()).toMatchObject({ code: 'unavailable' })
  expect(await library.send()).toBeUndefined()
  expect(library.sent).toEqual([1, 2])
})

it('makes no request when nobody waits any more by the time kafkajs has found the broker', async () => {
  const over = new AbortController()
  const library = new FakeLibrary(() => {
    over.abort()
    return stored
  })
  expect(await library.send(over.signal)).toMatchObject({ code: 'unavailable' })
  expect(library.sent).toEqual([1])
})

it('makes no request of what was given up, whenever kafkajs has found the broker', async () => {
  const found = Promise.withResolvers<unknown>()
  const library = new FakeLibrary(() => found.promise)
  expect(await library.send()).toMatchObject({ code: 'unavailable' })
  found.resolve(stored)
  await vi.advanceTimersByTimeAsync(0)
  expect(library.requestCount).toBe(0)
})

interface Try {
  readonly producer: number
  readonly tryCount: number
}

/** What becomes of a try: its answer, its error, or its error after a request that failed with another. */
type Outcome = (given: Try) => unknown

class FakeLibrary {
  /** By which producer, for each try. */
  readonly sent: number[] = []
  readonly #outcome: Outcome
  readonly #producer: KafkajsProducer
  readonly #broker: InnerBroker = {
    produce: async () => {
      this.requestCount += 1
      return this.#requestError && Promise.reject(this.#requestError)
    },
  }
  /** That came to a broker. */
  requestCount = 0
  #requestError: unknown
  #producerCount = 0

  constructor(outcome: Outcome) {
    this.#outcome = outcome
    watchRequests(this.#broker)
    const parts = { target: 'Kafka', connectTimeoutMs: 1_000, compression: () => 0, openClient: () => this.#open() }
    this.#producer = new KafkajsProducer(parts as unknown as KafkajsProducerParts)
  }

  /** Undefined when it is stored, else why it is not. */
  async send(over?: AbortSignal): Promise<unknown> {
    const records: readonly RecordToSend[] = [{ topic: 't', key: null, value: Buffer.from('1'), headers: [] }]
    const outcome = this.#producer.send(records, { topic: 't', partition: 0 }, over).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(100_000)
    return outcome
  }

  #open() {
    this.#producerCount += 1
    const producer = this.#producerCount
    const send = ({ messages }: { readonly messages: readonly object[] }) => this.#send(producer, messages)
    const made = { connect: async () => undefined, disconnect: async () => undefined, send }
    return { kafka: { producer: () => made }, disconnect: async () => undefined }
  }

  async #send(producer: number, messages: readonly object[]): Promise<unknown> {
    const outcome = await this.#outcome({ producer, tryCount: this.sent.push(producer) })
    const request = { topicData: [{ partitions: [{ messages }] }] }
    // Most errors are those of the request.
    this.#requestError = outcome instanceof Error ? (Reflect.get(outcome, 'request') ?? outcome) : undefined
    if (this.#requestError === undefined) await this.#broker.produce(request)
    else await this.#broker.produce(request).catch(() => undefined)
    if (outcome instanceof Error) throw outcome
    return outcome
  }
}

function kafkaError(type: string, more: object = {}): Error {
  return Object.assign(new Error(type), { type, ...more })
}
