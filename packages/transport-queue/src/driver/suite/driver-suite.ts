import assert from 'node:assert/strict'
import type { AssignedPartition, QueueDriver, QueueMember, ReceivedRecord, RecordToSend } from '../../queue-driver.ts'

/** What a driver brings to be tried: one broker, and drivers that reach it. */
export interface DriverHarness {
  /** A driver that is connected; the harness closes it after the case. */
  connect(): Promise<QueueDriver>
  /** A name that no other case uses. */
  unique(name: string): string
}

/** One thing that every driver must do. Fails by throwing, or by not ending. */
export interface DriverCase {
  readonly name: string
  run(harness: DriverHarness): Promise<void>
}

/** What every driver must do, whatever it talks to. */
export const driverSuite: readonly DriverCase[] = [
  {
    name: 'delivers key, value and headers as they were produced, also to a group that did not exist then',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const sent: RecordToSend = {
        topic,
        key: bytes('k'),
        value: Buffer.from([0, 255, 1]),
        headers: [
          ['One', bytes('1')],
          ['two', bytes('a')],
          ['two', bytes('b')],
        ],
      }
      await driver.produce([sent], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.ok(received)
      assert.equal(text(received.key), 'k')
      assert.deepEqual([...(received.value ?? [])], [0, 255, 1])
      assert.deepEqual(
        received.headers.map(([name, value]) => `${name}=${text(value)}`),
        ['One=1', 'two=a', 'two=b'],
      )
      assert.equal(received.topic, topic)
      assert.ok(Math.abs(received.timestampAt - Date.now()) < 60_000)
    },
  },
  {
    name: 'delivers a record without key and value',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await driver.produce([{ topic, key: null, value: null, headers: [] }], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.equal(received?.key, null)
      assert.equal(received?.value, null)
    },
  },
  {
    name: 'keeps the order of a key, and puts a key into one partition',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const keys = ['a', 'b', 'c', 'd', 'e']
      const records = Array.from({ length: 100 }, (_, index) => record(topic, keys[index % 5] ?? '', String(index)))
      await Promise.all(records.map((one) => driver.produce([one], bound)))
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const received = await reader.take(100)
      for (const key of keys) {
        const ofKey = received.filter((one) => text(one.key) === key)
        assert.equal(new Set(ofKey.map(({ partition }) => partition)).size, 1)
        const values = ofKey.map(({ value }) => Number(text(value)))
        assert.deepEqual(
          values,
          values.toSorted((one, other) => one - other),
        )
      }
    },
  },
  {
    name: 'produces to the partition that is asked for',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await driver.produce(
        [0, 1, 2].map((partition) => ({ ...record(topic, 'k', String(partition)), partition })),
        bound,
      )
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      for (const { value, partition } of await reader.take(3)) assert.equal(text(value), String(partition))
    },
  },
  {
    name: 'does not begin to produce when the signal has fired',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const refused = driver.produce([record(topic, 'k', 'never')], { ...bound, signal: AbortSignal.abort() })
      await assert.rejects(refused, { code: 'cancelled' })
      await driver.produce([record(topic, 'k', 'sent')], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.equal(text(received?.value), 'sent')
    },
  },
  {
    name: 'wakes a reader that waits',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      for (const value of ['1', '2', '3']) {
        const taken = reader.take(1)
        await driver.produce([record(topic, 'k', value)], bound)
        assert.equal(text((await taken)[0]?.value), value)
      }
    },
  },
  {
    name: 'gives every group all records',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await using one = await Reader.join(driver, harness.unique('one'), [topic])
      await using other = await Reader.join(driver, harness.unique('other'), [topic])
      await driver.produce(
        ['1', '2'].map((value) => record(topic, 'k', value)),
        bound,
      )
      assert.equal((await one.take(2)).length, 2)
      assert.equal((await other.take(2)).length, 2)
    },
  },
  {
    name: 'begins after the last commit, and delivers again what was not committed',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce(
        ['1', '2', '3', '4'].map((value) => record(topic, 'k', value)),
        bound,
      )
      const first = await Reader.join(driver, group, [topic])
      const [, second] = await first.take(4)
      assert.ok(second)
      assert.equal(await first.partitionOf(second).commit(second.offset + 1), true)
      await first.member.leave(AbortSignal.abort())
      await using next = await Reader.join(driver, group, [topic])
      const again = await next.take(2)
      assert.deepEqual(
        again.map(({ value }) => text(value)),
        ['3', '4'],
      )
    },
  },
  {
    name: 'shares the partitions between two members, each with one owner, and hands them over when one leaves',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await using first = await Reader.join(driver, group, [topic])
      await first.owns(3)
      const second = await Reader.join(await harness.connect(), group, [topic])
      await second.ownsAny()
      await first.ownsFewer(3)
      assert.equal(first.owned.length + second.owned.length, 3)
      assert.equal(new Set([...first.owned, ...second.owned].map(({ partition }) => partition)).size, 3)
      await second.member.leave(never)
      await first.owns(3)
      assert.equal(second.member.state, 'left')
    },
  },
  {
    name: 'waits for the running message before it gives a partition to another member',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce(
        [0, 1, 2].map((partition) => ({ ...record(topic, 'k', 'running'), partition })),
        bound,
      )
      await using first = await Reader.join(driver, group, [topic])
      const running = await first.take(3)
      first.hold()
      const joining = Reader.join(await harness.connect(), group, [topic])
      await first.revoked()
      for (const one of running) assert.equal(await first.partitionOf(one).commit(one.offset + 1), true)
      first.release()
      await using second = await joining
      await second.ownsAny()
      await driver.produce(
        [0, 1, 2].map((partition) => ({ ...record(topic, 'k', 'next'), partition })),
        bound,
      )
      const values = await Promise.race([second.take(1), second.take(1)])
      assert.equal(text(values[0]?.value), 'next')
    },
  },
  {
    name: 'refuses the commit of a partition that was lost',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await driver.produce([record(topic, 'k', '1')], bound)
      const first = await Reader.join(driver, group, [topic])
      const [received] = await first.take(1)
      assert.ok(received)
      const partition = first.partitionOf(received)
      await first.member.leave(AbortSignal.abort())
      assert.ok(partition.lost.aborted && partition.revoked.aborted)
      assert.equal(await partition.commit(received.offset + 1), false)
      await using next = await Reader.join(driver, group, [topic])
      assert.equal(text((await next.take(1))[0]?.value), '1')
    },
  },
  {
    name: 'lets a partition that nobody asks for hold up no other',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const asked = Promise.withResolvers<ReceivedRecord>()
      const consume = async (partition: AssignedPartition) => {
        if (partition.partition === 0) return revoked(partition)
        while (!partition.revoked.aborted)
          for (const one of await partition.fetch()) if (text(one.value) === 'last') asked.resolve(one)
      }
      const member = await driver.join({ ...membership(harness.unique('group'), [topic]), consume }, never)
      const many = Array.from({ length: 3_000 }, () => ({ ...record(topic, 'k', 'held up'), partition: 0 }))
      await driver.produce(many, bound)
      await driver.produce([{ ...record(topic, 'k', 'last'), partition: 1 }], bound)
      assert.equal((await asked.promise).partition, 1)
      await member.leave(AbortSignal.abort())
    },
  },
  {
    name: 'takes a member without partitions for an assigned one',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await using _first = await Reader.join(driver, group, [topic])
      await using _second = await Reader.join(await harness.connect(), group, [topic])
      await using _third = await Reader.join(await harness.connect(), group, [topic])
      await using fourth = await Reader.join(await harness.connect(), group, [topic])
      assert.equal(fourth.member.state, 'assigned')
    },
  },
  {
    name: 'creates a topic once, however many ask for it',
    run: async (harness) => {
      const driver = await harness.connect()
      const topic = harness.unique('topic')
      const [one, other] = [{ topic, partitionCount: 2 }, { topic }]
      await Promise.all([driver.ensureTopics([one]), driver.ensureTopics([one])])
      await driver.ensureTopics([other])
      await driver.produce([{ ...record(topic, 'k', '1'), partition: 1 }], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      assert.equal((await reader.take(1))[0]?.partition, 1)
    },
  },
  {
    name: 'tells where partitions end and how far a group has come',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const group = harness.unique('group')
      await assert.rejects(driver.describe(harness.unique('nothing'), group), { code: 'not_found' })
      for (const value of ['0', '1', '2']) await driver.produce([{ ...record(topic, 'k', value), partition: 1 }], bound)
      const before = { partition: 1, earliestOffset: 0, nextOffset: 3, committedOffset: undefined }
      assert.deepEqual((await driver.describe(topic, group))[1], before)
      await using reader = await Reader.join(driver, group, [topic])
      const [first] = await reader.take(3)
      assert.ok(first)
      await reader.partitionOf(first).commit(2)
      const described = await driver.describe(topic, group)
      assert.deepEqual(
        described.map(({ partition }) => partition),
        [0, 1, 2],
      )
      assert.deepEqual(described[1], { ...before, committedOffset: 2 })
    },
  },
  {
    name: 'keeps the time that a producer says',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const timestampAt = 1_700_000_000_123
      await driver.produce([{ ...record(topic, 'k', 'v'), timestampAt }], bound)
      await using reader = await Reader.join(driver, harness.unique('group'), [topic])
      const [received] = await reader.take(1)
      assert.equal(received?.timestampAt, timestampAt)
    },
  },
  {
    name: 'rejects joining when the signal has fired',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      await assert.rejects(driver.join(membership(harness.unique('group'), [topic]), AbortSignal.abort()))
    },
  },
  {
    name: 'leaves twice without harm',
    run: async (harness) => {
      const { driver, topic } = await prepare(harness)
      const reader = await Reader.join(driver, harness.unique('group'), [topic])
      await Promise.all([reader.member.leave(never), reader.member.leave(AbortSignal.abort())])
      await reader.member.leave(never)
      assert.equal(reader.member.state, 'left')
    },
  },
]

const never = new AbortController().signal
const bound = { timeoutMs: 20_000 }
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

async function prepare(harness: DriverHarness): Promise<{ readonly driver: QueueDriver; readonly topic: string }> {
  const driver = await harness.connect()
  const topic = harness.unique('topic')
  await driver.ensureTopics([{ topic, partitionCount: 3 }])
  return { driver, topic }
}

function membership(group: string, topics: readonly string[]) {
  return { group, topics, log: silent, consume: revoked, fail() {} }
}

function revoked({ revoked: signal }: Pick<AssignedPartition, 'revoked'>): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function record(topic: string, key: string, value: string): RecordToSend {
  return { topic, key: bytes(key), value: bytes(value), headers: [] }
}

function bytes(words: string): Uint8Array {
  return Buffer.from(words)
}

function text(value: Uint8Array | null | undefined): string | undefined {
  return value ? Buffer.from(value).toString() : undefined
}

/** A member that keeps what it reads and commits nothing by itself. */
class Reader implements AsyncDisposable {
  readonly #records: ReceivedRecord[] = []
  readonly #changed = new Set<() => void>()
  readonly #everOwned: AssignedPartition[] = []
  #owned: readonly AssignedPartition[] = []
  #held: PromiseWithResolvers<void> | undefined
  #member: QueueMember | undefined

  static async join(driver: QueueDriver, group: string, topics: readonly string[]): Promise<Reader> {
    const reader = new Reader()
    const consume = (partition: AssignedPartition) => reader.#consume(partition)
    reader.#member = await driver.join({ ...membership(group, topics), consume }, never)
    return reader
  }

  get member(): QueueMember {
    assert.ok(this.#member)
    return this.#member
  }

  get owned(): readonly AssignedPartition[] {
    return this.#owned
  }

  /** Takes the next records, as many as asked for. */
  async take(count: number): Promise<readonly ReceivedRecord[]> {
    await this.#until(() => this.#records.length >= count)
    return this.#records.splice(0, count)
  }

  owns(count: number): Promise<void> {
    return this.#until(() => this.#owned.length === count)
  }

  ownsAny(): Promise<void> {
    return this.#until(() => this.#owned.length > 0)
  }

  ownsFewer(count: number): Promise<void> {
    return this.#until(() => this.#owned.length > 0 && this.#owned.length < count)
  }

  /** From now on a partition is not let go, as if a message were running, until it is released. */
  hold(): void {
    this.#held = Promise.withResolvers()
  }

  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  /** Resolves when a partition is to be given up. */
  revoked(): Promise<void> {
    return Promise.race(this.#owned.map(revoked))
  }

  partitionOf({ partition }: ReceivedRecord): AssignedPartition {
    const found = this.#everOwned.findLast((one) => one.partition === partition)
    assert.ok(found)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
    await this.member.leave(AbortSignal.abort())
  }

  async #consume(partition: AssignedPartition): Promise<void> {
    this.#everOwned.push(partition)
    this.#owned = [...this.#owned, partition]
    this.#announce()
    while (!partition.revoked.aborted) {
      this.#records.push(...(await partition.fetch()))
      this.#announce()
    }
    await this.#held?.promise
    this.#owned = this.#owned.filter((one) => one !== partition)
    this.#announce()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#changed.add(resolve))
  }

  #announce(): void {
    for (const changed of this.#changed) changed()
    this.#changed.clear()
  }
}
