import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import type { RecordToSend } from '../queue-driver.ts'
import type { SendPlace } from './produce-lane.ts'
import { ProduceQueue } from './produce-queue.ts'

it.each(Array.from({ length: 200 }, (_, index) => index + 1))(
  'tells the truth of every message and keeps the order of keys while topics grow, go and come back (seed %i)',
  async (seed) => {
    const run = new RandomRun(randomOf(seed))
    for (let count = 0; count < 200; count += 1) await run.step()
    await run.end()
    run.judge()
  },
)

interface Message {
  readonly topic: string
  readonly key: string
  readonly number: number
  hasLostTopic: boolean
  told: string | undefined
}

interface Stored {
  readonly message: number
  readonly key: string
  /** Which topic of that name it was. */
  readonly era: number
  readonly partition: number
}

/** Publishers like ours, which send once more what was told to lack its topic, over a queue whose broker changes its topics. */
class RandomRun {
  readonly #random: () => number
  readonly #broker: ChangingBroker
  readonly #queue: ProduceQueue
  readonly #messages: Message[] = []
  readonly #telling: Promise<void>[] = []
  /** Those that wait for their topic to be made again, and are sent in the order in which they were published. */
  #lacking: Message[] = []

  constructor(random: () => number) {
    this.#random = random
    this.#broker = new ChangingBroker(random)
    const settings = { lingerMs: 0, maxBatchBytes: 600, maxBufferedBytes: 1_500 }
    this.#queue = new ProduceQueue(settings, this.#broker)
  }

  async step(): Promise<void> {
    const chance = this.#random()
    if (chance < 0.6) this.#publish()
    else if (chance < 0.68) this.#broker.change()
    else if (chance < 0.76) await this.#sendAgain()
    else await turn()
  }

  async end(): Promise<void> {
    this.#broker.settle()
    while (this.#messages.some(({ told }) => told === undefined)) {
      await this.#sendAgain()
      await turn()
    }
    await Promise.all(this.#telling)
  }

  judge(): void {
    const { log } = this.#broker
    const storedCount = (number: number) => log.filter(({ message }) => message === number).length
    for (const { number, told } of this.#messages) {
      if (told === 'stored') expect(storedCount(number)).toBe(1)
      if (told === 'internal' || told === 'not_found') expect(storedCount(number)).toBe(0)
      expect(storedCount(number)).toBeLessThan(2)
    }
    const byPlace = Map.groupBy(log, ({ key, era, partition }) => `${key} ${era} ${partition}`)
    for (const stored of byPlace.values()) {
      const numbers = stored.map(({ message }) => message)
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
    }
  }

  #publish(): void {
    const [topic, key] = [this.#pick(['a', 'b']), this.#pick(['x', 'y', 'z', 'bad'])]
    const message: Message = { topic, key, number: this.#messages.length, hasLostTopic: false, told: undefined }
    this.#messages.push(message)
    // Behind those that wait, as long as the topic is not there.
    if (this.#lacking.some((one) => one.topic === topic)) this.#lacking.push(message)
    else this.#send(message)
  }

  /** Making a topic takes a broker some time. */
  async #sendAgain(): Promise<void> {
    const topic = this.#lacking[0]?.topic
    const ofTopic = this.#lacking.filter((one) => one.topic === topic)
    const sent = ofTopic.toSorted((one, other) => one.number - other.number)
    if (topic === undefined) return
    this.#broker.ensure(topic)
    await turn()
    await turn()
    this.#lacking = this.#lacking.filter((one) => !sent.includes(one))
    for (const message of sent) this.#send(message)
  }

  #send(message: Message): void {
    const value = JSON.stringify([message.key, message.number])
    const record = { topic: message.topic, key: Buffer.from(message.key), value: Buffer.from(value), headers: [] }
    const pushed = this.#queue.push([record], { timeoutMs: 600_000 })
    this.#telling.push(
      pushed.then(
        () => void (message.told = 'stored'),
        (error: ServiceError) => {
          if (error.code !== 'not_found' || message.hasLostTopic) message.told = error.code
          else this.#lacking.push(message)
          message.hasLostTopic = true
        },
      ),
    )
  }

  #pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.#random() * choices.length)] ?? choices[0]
  }
}

/** Stores what it is sent for partitions that it has, and says the truth of everything else. */
class ChangingBroker {
  /** All that was ever stored, in its order. */
  readonly log: Stored[] = []
  readonly #random: () => number
  readonly #topics = new Map<string, { readonly era: number; count: number }>()
  #eraCount = 0
  #isSteady = false

  constructor(random: () => number) {
    this.#random = random
    this.ensure('a')
    this.ensure('b')
  }

  ensure(topic: string): void {
    if (this.#topics.has(topic)) return
    this.#eraCount += 1
    this.#topics.set(topic, { era: this.#eraCount, count: 1 + Math.floor(this.#random() * 4) })
  }

  /** Deletes a topic, makes it again, or lets it grow. */
  change(): void {
    const topic = this.#random() < 0.5 ? 'a' : 'b'
    const found = this.#topics.get(topic)
    if (found && this.#random() < 0.4) found.count += 1
    else if (found) this.#topics.delete(topic)
    if (this.#random() < 0.5) this.ensure(topic)
  }

  settle(): void {
    this.#isSteady = true
  }

  async partitionCountOf(topic: string): Promise<number> {
    await this.#pass()
    const count = this.#topics.get(topic)?.count
    // As brokers may have been asked before something changed.
    await this.#pass()
    if (this.#fails(0.1)) throw new ServiceError('unavailable', 'away')
    if (count === undefined) throw new ServiceError('not_found', 'no such topic')
    return count
  }

  async send(records: readonly RecordToSend[], { topic, partition }: SendPlace): Promise<void> {
    await this.#pass()
    const found = this.#topics.get(topic)
    if (this.#fails(0.05)) throw new ServiceError('unavailable', 'away')
    if (found === undefined || partition >= found.count) throw new ServiceError('not_found', 'no such partition')
    if (records.length > 1 && records.some(({ key }) => String(key) === 'bad') && this.#fails(0.5))
      throw new ServiceError('internal', 'too large')
    for (const { value } of records) {
      const [key, message] = JSON.parse(String(value)) as [string, number]
      this.log.push({ message, key: `${topic} ${key}`, era: found.era, partition })
    }
    await this.#pass()
    if (this.#fails(0.05)) throw new ServiceError('unavailable', 'no answer')
  }

  #fails(chance: number): boolean {
    return !this.#isSteady && this.#random() < chance
  }

  async #pass(): Promise<void> {
    for (let left = Math.floor(this.#random() * 3); left > 0; left -= 1) await turn()
  }
}

/** Numbers from 0 to 1, the same for the same seed. @see mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
