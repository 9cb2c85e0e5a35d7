import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clients, connect, createTopic } from '../driver/kafka/kafka-client.test-harness.ts'
import type { QueueDriver } from '../queue-driver.ts'
import { countdown } from '../queue-transport.test-harness.ts'
import type { QueueTransport } from '../queue-transport.ts'
import { consumeAt, groupOf, poisonedKeys, sendKeys, untilAside } from './retry/retry-kafka.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'
const retry = { maxAttemptCount: 2, initialDelayMs: 1, maxDelayMs: 1, onExhausted: 'halt-key' } as const

describe.skipIf(skipped !== '').for(clients)(`a key that is halted on Kafka, through %s${skipped}`, (client) => {
  it('lets others pass, has its attempts anew when it is told to and at its next owner, and goes on in order', async () => {
    const driver = await connect(client, { brokers })
    const topic = await createTopic(driver)
    const user = { topic, group: groupOf(topic) }
    await sendKeys(driver, topic, poisonedKeys(40))
    const others = countdown(36)
    const poison = poisoned()
    const { transport, server } = await consumeAt(driver, topic, {
      retry,
      handle: (key, place, attempt) => (key === 'poison' ? poison.handle(key, place, attempt) : others.tick()),
    })
    onTestFinished(() => server.close())
    await others.reached
    await untilAside(transport, 4)
    await untilHalted(transport)
    expect(poison.seen).toEqual(['0: 1', '0: 2'])
    expect(await transport.retryHalted(user)).toBe(1)
    await poison.reached(4)
    await untilHalted(transport)
    await server.drain(AbortSignal.timeout(10_000))
    const next = await consumeAt(await connect(client, { brokers }), topic, { retry, handle: poison.handle })
    onTestFinished(() => next.server.close())
    await poison.reached(6)
    await untilHalted(next.transport)
    expect(poison.seen).toEqual(['0: 1', '0: 2', '0: 1', '0: 2', '0: 1', '0: 2'])
    poison.isCured = true
    expect(await next.transport.retryHalted(user)).toBe(1)
    await poison.reached(10)
    await untilAside(next.transport, 0)
    expect(poison.seen.slice(6)).toEqual(['0: 1', '10: 1', '20: 1', '30: 1'])
    await next.server.drain(AbortSignal.timeout(10_000))
    for (const name of [topic, `${topic}.retry.${user.group}`])
      expect(await openCount(driver, name, user.group)).toBe(0)
    const letters = await driver.describe(`${topic}.dlq.${user.group}`)
    expect(letters.filter(({ nextOffset }) => nextOffset > 0)).toEqual([])
  })
})

/** A handler that fails until it is cured, and which attempts it was given: `<offset>: <attempt>`. */
function poisoned() {
  const watching = new Set<() => void>()
  const seen: string[] = []
  const handler = { seen, isCured: false, handle, reached }
  function handle(_key: string, place: string, attempt: number): void {
    seen.push(`${place.split('@')[1]}: ${attempt}`)
    for (const look of watching) look()
    if (!handler.isCured) throw new ServiceError('internal', 'not this one')
  }
  /** Resolves when so many attempts were begun. */
  function reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => void (seen.length >= count && resolve())
      watching.add(look)
      look()
    })
  }
  return handler
}

async function untilHalted(transport: QueueTransport): Promise<void> {
  while ((await transport.consumers())[0]?.haltedCount !== 1) await new Promise((resolve) => setImmediate(resolve))
}

/** How much of a topic's only partition the group has not committed. */
async function openCount(driver: QueueDriver, topic: string, group: string): Promise<number> {
  const [only] = await driver.describe(topic, group)
  return (only?.nextOffset ?? 0) - (only?.committedOffset ?? 0)
}
