import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { connected, embeddedDrivers, type NewBroker, warnings } from '../../queue-driver.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countdown, headersOf, toRecord } from '../../queue-transport.test-harness.ts'
import { consume, type Handle, send, topic, untilParked } from './retry.test-harness.ts'

describe.each(embeddedDrivers)('a poison message on %s', (_name, newBroker: NewBroker) => {
  it('is set aside with those of its key behind it, and the others are handled meanwhile', async () => {
    const driver = await connected(newBroker()())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    const others = Array.from({ length: 3_000 }, (_, index) => (index % 100 === 0 ? 'poison' : `k${index % 40}`))
    await send(driver, ['poison', ...others])
    let isPoisoned = true
    const first = new Map<number, string>()
    const good = countdown(2_970)
    const poison = countdown(31)
    // Gathered, for what a handler throws is an outcome of its message.
    const wrong: string[] = []
    const handle: Handle = async ({ orderId, count }, { peer }) => {
      if (orderId === 'poison' && isPoisoned) throw new ServiceError('unavailable', 'not now')
      if (peer !== `${topic}/0@${count}`) wrong.push(`message ${count} from ${peer}`)
      if (first.has(count)) wrong.push(`message ${count} twice`)
      first.set(count, orderId)
      if (orderId === 'poison') poison.tick()
      else good.tick()
    }
    const retry = { initialDelayMs: 20, maxDelayMs: 200 }
    const { transport } = await consume(driver, handle, { maxUncommittedCount: 50, retry })
    await good.reached
    expect([...first.values()]).not.toContain('poison')
    const [report] = await transport.consumers()
    expect(report?.parkedCount).toBeGreaterThan(0)
    isPoisoned = false
    await poison.reached
    expect(wrong).toEqual([])
    const counts = [...first].filter(([, orderId]) => orderId === 'poison').map(([count]) => count)
    expect(counts).toEqual(counts.toSorted((one, other) => one - other))
    expect(first.size).toBe(3_001)
  })

  it('is not set aside when all others fail too', async () => {
    const driver = await connected(newBroker()())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    await send(
      driver,
      Array.from({ length: 200 }, (_, index) => `k${index % 40}`),
    )
    const failed = countdown(200)
    let isOut = true
    const done = countdown(200)
    const handle: Handle = async () => {
      if (isOut) {
        failed.tick()
        throw new ServiceError('unavailable', 'not now')
      }
      done.tick()
    }
    const retry = { initialDelayMs: 20, maxDelayMs: 100 }
    await consume(driver, handle, { maxUncommittedCount: 20, retry })
    await failed.reached
    await expect(driver.describe(`${topic}.retry.user`, 'user')).rejects.toMatchObject({ code: 'not_found' })
    isOut = false
    await done.reached
  })

  it('keeps its key behind it through a restart, its attempts and its place', async () => {
    const newDriver = newBroker()
    const first = await connected(newDriver())
    await first.ensureTopics([{ topic, partitionCount: 2 }])
    await send(first, ['poison', ...Array.from({ length: 60 }, (_, index) => `k${index % 10}`), 'poison'])
    const others = countdown(60)
    const refuse: Handle = async ({ orderId }) => {
      if (orderId === 'poison') throw new ServiceError('internal', 'not now')
      others.tick()
    }
    const retry = { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000, maxAttemptCount: 2 }
    const { server, transport } = await consume(first, refuse, { maxUncommittedCount: 20, commitIntervalMs: 0, retry })
    await others.reached
    await untilParked(transport, 2)
    await server.drain(AbortSignal.timeout(5_000))
    await send(first, ['poison', 'free'], 62)
    const seen: (readonly [count: number, attempt: number | undefined])[] = []
    const later = { now: () => Date.now() + 7_200_000, wait: () => Promise.resolve() }
    const done = countdown(3)
    const handle: Handle = async ({ count }, { attempt, peer }) => {
      expect(peer).toBe(`${topic}/0@${count}`)
      seen.push([count, attempt])
      if (count === 0) throw new ServiceError('internal', 'still not')
      done.tick()
    }
    const second = await connected(newDriver())
    await consume(second, handle, { clock: later, retry })
    await done.reached
    const ofPoison = seen.filter(([count]) => count !== 63)
    expect(ofPoison).toEqual([
      [0, 2],
      [61, 1],
      [62, 1],
    ])
    const found = []
    for (const partition of [0, 1])
      for await (const letters of second.read({ topic: `${topic}.dlq.user`, partition, fromOffset: 0 }, bound))
        for (const letter of letters) found.push(headersOf(letter))
    const source = { 'tenon-source-topic': topic, 'tenon-source-offset': '0', 'tenon-attempts': '2' }
    expect(found).toMatchObject([source])
  })

  it('is judged by where its source is read, whatever else the broker says of that', async () => {
    const newDriver = newBroker()
    const first = await connected(newDriver())
    await first.ensureTopics([{ topic, partitionCount: 2 }])
    await send(first, ['poison', ...Array.from({ length: 60 }, (_, index) => `k${index % 10}`), 'poison'])
    const others = countdown(60)
    const refuse: Handle = async ({ orderId }) => {
      if (orderId === 'poison') throw new ServiceError('internal', 'not now')
      others.tick()
    }
    const retry = { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 }
    const options = { maxUncommittedCount: 20, commitIntervalMs: 0, retry }
    const { server, transport } = await consume(first, refuse, options)
    await others.reached
    await untilParked(transport, 2)
    await server.drain(AbortSignal.timeout(5_000))
    const second = await connected(newDriver())
    const describe = second.describe.bind(second)
    const forgetting: QueueDriver['describe'] = async (of, group) =>
      (await describe(of, group)).map((one) => (of === topic ? { ...one, committedOffset: undefined } : one))
    Object.assign(second, { describe: forgetting })
    const later = { now: () => Date.now() + 7_200_000, wait: () => Promise.resolve() }
    const seen: number[] = []
    const done = countdown(3)
    const handle: Handle = async ({ count }) => {
      seen.push(count)
      done.tick()
    }
    await consume(second, handle, { clock: later, retry })
    await send(second, ['poison'], 62)
    await done.reached
    expect(seen).toEqual([0, 61, 62])
  })

  it.each(['looked at', 'read'])(
    'waits in memory where the retry topic may not be %s, which is told once',
    async (what) => {
      const driver = await connected(newBroker()())
      await driver.ensureTopics([topic, `${topic}.retry.user`].map((one) => ({ topic: one, partitionCount: 2 })))
      await driver.produce([{ ...toRecord('{}', 'k'), topic: `${topic}.retry.user`, partition: 0 }], {
        timeoutMs: 20_000,
      })
      const refuse = () => Promise.reject(new ServiceError('permission_denied', 'not allowed'))
      const describe = driver.describe.bind(driver)
      const read = driver.read.bind(driver)
      const isRetry = (one: string) => one.includes('.retry.')
      const refusing: Pick<QueueDriver, 'describe' | 'read'> =
        what === 'read'
          ? { describe, read: (range, within) => (isRetry(range.topic) ? refused(refuse) : read(range, within)) }
          : { read, describe: (one, group) => (isRetry(one) ? refuse() : describe(one, group)) }
      Object.assign(driver, refusing)
      await send(driver, ['poison', ...Array.from({ length: 40 }, (_, index) => `k${index}`), 'poison'])
      const seen: number[] = []
      const all = countdown(42)
      const handle: Handle = async ({ count }, { attempt = 1 }) => {
        if (count === 0 && attempt < 4) throw new ServiceError('internal', 'not now')
        seen.push(count)
        all.tick()
      }
      const retry = { initialDelayMs: 20, maxDelayMs: 100 }
      const { log, told } = warnings()
      await consume(driver, handle, { maxUncommittedCount: 10, retry, log })
      await all.reached
      expect(seen.indexOf(0)).toBeLessThan(seen.indexOf(41))
      const [warning, ...others] = told.filter((text) => text.includes('set aside'))
      expect(warning).toMatch(new RegExp(`rights to describe, read, write and create topic ${topic}.retry.user`))
      expect(others).toEqual([])
    },
  )

  it('waits in memory where the retry topic may not be written', async () => {
    const driver = await connected(newBroker()())
    await driver.ensureTopics([{ topic, partitionCount: 2 }])
    const produce = driver.produce.bind(driver)
    let refusedCount = 0
    const refusing: QueueDriver['produce'] = async (records, bound) => {
      if (!records.some((record) => record.topic.includes('.retry.'))) return produce(records, bound)
      refusedCount += 1
      throw new ServiceError('permission_denied', 'not allowed')
    }
    Object.assign(driver, { produce: refusing })
    await send(driver, ['poison', ...Array.from({ length: 40 }, (_, index) => `k${index}`), 'poison'])
    const seen: number[] = []
    const all = countdown(42)
    const handle: Handle = async ({ count }, { attempt = 1 }) => {
      if (count === 0 && attempt < 4) throw new ServiceError('internal', 'not now')
      seen.push(count)
      all.tick()
    }
    const retry = { initialDelayMs: 20, maxDelayMs: 100 }
    await consume(driver, handle, { maxUncommittedCount: 10, retry })
    await all.reached
    expect(refusedCount).toBeGreaterThan(0)
    expect(seen.indexOf(0)).toBeLessThan(seen.indexOf(41))
  })
})

const bound = { timeoutMs: 5_000 }

/** A reading that fails at once. */
async function* refused(refuse: () => Promise<never>): AsyncGenerator<never> {
  yield await refuse()
}
