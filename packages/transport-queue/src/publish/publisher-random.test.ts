import { event } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { QueuePublisher } from './publisher.ts'
import { outcomeOf, type Produced, publisherOn, SlowDriver } from './publisher.test-harness.ts'

const plain = ['placed', 'paid'].map((name) =>
  event(`shop.order.${name}.v1`, { key: 'key', payload: Type.Object({ key: Type.String(), count: Type.Integer() }) }),
)

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'keeps the order of every key and tells the truth of every message, whatever fails, gives up and closes (seed %i)',
  async (seed) => {
    const random = randomOf(seed)
    const run = new RandomRun(random)
    for (let count = 0; count < 300; count += 1) {
      run.publish(count)
      if (count === 200) run.close()
      if (random() < 0.4) await run.step()
    }
    await run.end()
    await run.judge()
  },
)

interface Told {
  readonly count: number
  readonly wasClosed: boolean
  outcome: unknown
}

/** A publisher with more to do than there is room for, on a broker that answers as it likes. */
class RandomRun {
  readonly #random: () => number
  readonly #slow = new SlowDriver()
  readonly #publisher: QueuePublisher
  readonly #events
  readonly #told: Told[] = []
  readonly #publishing: Promise<void>[] = []
  readonly #stored: { readonly count: number; readonly line: string }[] = []
  readonly #ending = new AbortController()
  #closing: Promise<{ readonly cutCount: number; readonly sentCount: number }> | undefined
  #answeredCount = 0

  constructor(random: () => number) {
    this.#random = random
    this.#publisher = publisherOn(this.#slow.driver, { maxPublishingCount: 12 })
    const payload = z.object({ key: z.string(), count: z.number() }).refine(() => this.#check())
    this.#events = [...plain, event('shop.order.checked.v1', { key: 'key', payload })]
  }

  publish(count: number): void {
    const [of, key] = [this.#pick(this.#events), this.#pick(['a', 'b', 'c'])]
    const leaving = new AbortController()
    const told: Told = { count, wasClosed: this.#closing !== undefined, outcome: undefined }
    this.#told.push(told)
    const publishing = this.#publisher.publish(of, { key, count }, { signal: leaving.signal })
    this.#publishing.push(outcomeOf(publishing).then((outcome) => void (told.outcome = outcome)))
    if (this.#random() < 0.1) leaving.abort()
  }

  /** Its time is over at once, or a little later. */
  close(): void {
    if (this.#random() < 0.3) this.#ending.abort()
    this.#closing = this.#publisher
      .close(this.#ending.signal)
      .then((cutCount) => ({ cutCount, sentCount: this.#slow.produced.length }))
  }

  async step(): Promise<void> {
    await nextTurn()
    if (this.#random() < 0.6) this.#answer()
    if (this.#closing && this.#random() < 0.1) this.#ending.abort()
  }

  async end(): Promise<void> {
    let isTold = false
    const all = Promise.all(this.#publishing).then(() => (isTold = true))
    while (!isTold) await this.step()
    await all
    this.#ending.abort()
    await this.#closing
    // What the driver holds when the publisher is closed is still sent.
    while (this.#answeredCount < this.#slow.produced.length) await this.step()
  }

  async judge(): Promise<void> {
    const counts = this.#stored.map(({ count }) => count)
    expect(new Set(counts).size).toBe(counts.length)
    for (const line of Map.groupBy(this.#stored, (one) => one.line).values()) {
      const inLine = line.map(({ count }) => count)
      expect(inLine).toEqual(inLine.toSorted((one, other) => one - other))
    }
    for (const { count, outcome } of this.#told) {
      if (outcome === 'published') expect(counts).toContain(count)
      else if (!mayArrive(outcome)) expect(counts).not.toContain(count)
    }
    await this.#judgeClose()
  }

  async #judgeClose(): Promise<void> {
    const isCut = ({ outcome, wasClosed }: Told) => !wasClosed && /draining|was closed/.test(reasonOf(outcome))
    expect(await this.#closing).toEqual({
      cutCount: this.#told.filter(isCut).length,
      sentCount: this.#slow.produced.length,
    })
  }

  /** Answers the oldest, which are one request to the broker: all stored, or some of them and then a failure. */
  #answer(): void {
    const batch = this.#slow.produced.slice(
      this.#answeredCount,
      this.#answeredCount + 1 + Math.floor(this.#random() * 5),
    )
    this.#answeredCount += batch.length
    const isFailing = this.#random() < 0.3
    for (const produced of batch) {
      const isGivenUp = produced.bound.signal?.aborted && this.#random() < 0.8
      if (!isGivenUp && (!isFailing || this.#random() < 0.5)) this.#store(produced)
      if (isFailing || isGivenUp) produced.refuse(new ServiceError('unavailable', 'away'))
      else produced.store()
    }
  }

  #store({ record: { topic, value } }: Produced): void {
    const { key, count } = JSON.parse(String(value)) as { readonly key: string; readonly count: number }
    this.#stored.push({ count, line: `${topic} ${key}` })
  }

  async #check(): Promise<boolean> {
    while (this.#random() < 0.5) await nextTurn()
    return this.#random() < 0.9
  }

  #pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)] ?? expect.fail('there is none')
  }
}

/** Whether an error leaves it open. */
function mayArrive(error: unknown): boolean {
  if (!ServiceError.is(error)) return expect.fail(`told ${String(error)}`)
  expect(['cancelled', 'unavailable', 'resource_exhausted', 'internal']).toContain(error.code)
  return error.code === 'cancelled' || (error.code === 'unavailable' && error.reason === undefined)
}

function reasonOf(error: unknown): string {
  if (!ServiceError.is(error)) return ''
  return error.reason ?? (error.cause instanceof Error ? error.cause.message : '')
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Numbers from 0 to 1, the same for the same seed. @see Marsaglia, Xorshift RNGs, 2003 */
function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
