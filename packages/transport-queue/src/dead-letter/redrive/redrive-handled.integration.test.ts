import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defineConsumer, defineService } from '@tenon/core'
import { event, type Payload } from '@tenon/core/contract'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { choosePlace } from '../../consume/broadcast/broadcast.test-harness.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { connected, newQueuePath } from '../../queue-driver.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'
import { countsOf } from '../../queue-transport.test-harness.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import { bury, type GivenLetter, selection } from '../dead-letter.test-harness.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'
import { kill } from './redrive-process.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS'] ?? ''
// A run that follows one that was killed waits for what that may have on its way: up to 80 s.
const isLong = process.env['TENON_FAULT_RUNS'] !== undefined
const hasKafka = brokers !== '' || process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = isLong ? '' : ' (skipped: a long run, without TENON_FAULT_RUNS)'
const drivers = ['sqlite', ...(hasKafka ? ['kafkajs', 'platformatic'] : [])]
const letterCount = 10_000
const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
const patience = { timeout: 300_000, interval: 100 }

/** Of which two of three are redriven. */
const letters: readonly GivenLetter[] = Array.from({ length: letterCount }, (_, index) => ({
  key: keys[(index * 7) % keys.length] ?? '',
  code: index % 3 === 0 ? 'aborted' : 'internal',
}))
const wanted = letters.flatMap(({ code }, index) => (code === 'internal' ? [index] : []))

describe.skipIf(reason !== '')(`10,000 dead letters${reason}`, { timeout: 900_000 }, () => {
  it.each(drivers)(
    'are redriven twice, by processes of which two are killed: those of the selection are handled once, in the order of their keys, through %s',
    async (name) => {
      const place = name === 'sqlite' ? newQueuePath() : brokers
      const driver = await connected(choosePlace(name, place))
      const topic = `tenon${randomBytes(6).toString('hex')}.order.placed.v1`
      const names = [topic, deadLetterTopic(topic, selection.group)]
      await driver.ensureTopics(names.map((one) => ({ topic: one, partitionCount: 3 })))
      for (let from = 0; from < letterCount; from += 1_000) await bury(driver, offsetBy(from), topic)
      const handled = await consume(choosePlace(name, place), topic)
      for (const count of [1, wanted.length / 2]) {
        // Whoever reads a busy broker may fail as `unavailable`, and is repeated then.
        while (handled.length < count) {
          const child = start([name, place, topic, '400', '10000'])
          while (child.exitCode === null && handled.length < count) await delay(50)
          await kill(child)
        }
      }
      const options = { ...selection, topic, where: { code: 'internal' }, timeoutMs: 20_000 } as const
      expect((await redriveDeadLetters(driver, options)).redrivenCount).toBeGreaterThan(0)
      expect((await redriveDeadLetters(driver, options)).redrivenCount).toBe(0)
      await expect.poll(() => openCount(driver, topic), patience).toBe(0)
      expect(handled.map(({ count }) => count).toSorted((one, next) => one - next)).toEqual(wanted)
      for (const key of keys)
        expect(countsOf(key, handled)).toEqual(countsOf(key, handled).toSorted((one, next) => one - next))
    },
  )
})

/** A thousand of them, with the places that they have among all. */
function offsetBy(from: number): readonly GivenLetter[] {
  return letters.slice(from, from + 1_000).map((letter, index) => ({
    ...letter,
    offset: from + index,
    value: { orderId: letter.key, count: from + index },
  }))
}

/** Handles what comes of a topic, in the order in which it is given. */
async function consume(driver: QueueDriver, topic: string) {
  const placed = event(topic, {
    key: 'orderId',
    payload: Type.Object({ orderId: Type.String(), count: Type.Integer() }),
  })
  const handled: Payload<typeof placed>[] = []
  const handle = (order: Payload<typeof placed>) => void handled.push(order)
  const service = defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    log: { calls: 'none' },
    handlers: [defineConsumer(placed, () => handle, { group: selection.group })],
    transports: () => [queueTransport({ driver, joinTimeoutMs: 30_000 })],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  onTestFinished(async () => void (await started.stop()))
  return handled
}

/** How many messages the group has not committed. */
async function openCount(driver: QueueDriver, topic: string): Promise<number> {
  const progress = await driver.describe(topic, selection.group)
  return progress.reduce((sum, { nextOffset, committedOffset = 0 }) => sum + nextOffset - committedOffset, 0)
}

function start(args: readonly string[]): ChildProcess {
  const file = fileURLToPath(new URL('./redrive-handled.test-process.ts', import.meta.url))
  const execArgv = ['--conditions=@tenon/source', '--import', 'tsx']
  const child = fork(file, args, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  onTestFinished(() => kill(child))
  return child
}
