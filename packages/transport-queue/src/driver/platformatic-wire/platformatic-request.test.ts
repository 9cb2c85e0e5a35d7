import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Platformatic, PlatformaticClient, type RequestRoute } from './platformatic-client.ts'
import { resolvePlatformatic } from './platformatic-options.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

it('takes a request back by ending its connection when there is no answer in time, and no other', async () => {
  const broker = new FakeBroker()
  const outcome = broker.request(1_000)
  await vi.advanceTimersByTimeAsync(999)
  expect(broker).toMatchObject({ requestCount: 1, destroyedCount: 0 })
  await vi.advanceTimersByTimeAsync(1)
  expect(await outcome).toMatchObject({ message: 'no answer to Produce within 1000 ms' })
  expect(broker.destroyedCount).toBe(1)
  const answered = broker.request(1_000)
  await vi.advanceTimersByTimeAsync(0)
  broker.answer()
  expect(await answered).toBe('answer')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(broker.destroyedCount).toBe(1)
})

it('sends nothing when the connection is there only after the time', async () => {
  const broker = new FakeBroker()
  const connecting = Promise.withResolvers<void>()
  broker.connecting = connecting.promise
  const outcome = broker.request(1_000)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await outcome).toBeInstanceOf(Error)
  connecting.resolve()
  await vi.advanceTimersByTimeAsync(0)
  expect(broker).toMatchObject({ requestCount: 0, destroyedCount: 0 })
})

/** A broker, and the library that reaches it. */
class FakeBroker {
  requestCount = 0
  destroyedCount = 0
  connecting: Promise<void> = Promise.resolve()
  answer: () => void = () => undefined
  readonly #client: PlatformaticClient

  constructor() {
    const kGetApi = Symbol('api')
    const api = (_connection: unknown, ...rest: unknown[]) => this.#take(rest.at(-1) as Done)
    class Base {
      [kGetApi](_name: string, done: (error: null, found: typeof api) => void): void {
        done(null, api)
      }
    }
    const settings = resolvePlatformatic({ brokers: ['127.0.0.1:1'] })
    const library = { Base, kGetApi } as unknown as Platformatic
    this.#client = new PlatformaticClient(library, { settings, clientId: 'c', tokens: undefined })
  }

  /** What it comes to, or its error. */
  async request(timeoutMs: number): Promise<unknown> {
    const socket = { destroy: () => void (this.destroyedCount += 1) }
    const pool = { get: () => this.connecting.then(() => ({ socket })) }
    const route = { pool, broker: {}, timeoutMs } as unknown as RequestRoute
    return this.#client.request('Produce', route, [0, 0, [], {}]).catch((error: unknown) => error)
  }

  #take(done: Done): void {
    this.requestCount += 1
    this.answer = () => done(null, 'answer')
  }
}

type Done = (error: null, answer: string) => void
