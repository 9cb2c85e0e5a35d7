import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { brokerAbsence, KafkaBroker } from '../../driver/kafka/kafka-broker.test-harness.ts'
import { type Client, clients, connect, createTopic } from '../../driver/kafka/kafka-client.test-harness.ts'
import { consumeAt, failPoison, poisonedKeys, sendKeys, untilAside } from './retry-kafka.test-harness.ts'
import type { Told } from './retry-member.test-process.ts'

const isLong = process.env['TENON_FAULT_RUNS'] !== undefined
const absence = isLong ? brokerAbsence : 'a long run, without TENON_FAULT_RUNS'
const skipped = absence === undefined ? '' : ` (skipped: ${absence})`
const patience = { timeout: 150_000 }
let broker: KafkaBroker

describe.skipIf(skipped !== '')(`messages that are set aside on Kafka, with faults${skipped}`, () => {
  beforeAll(async () => {
    broker = await KafkaBroker.start()
  })
  afterAll(() => broker[Symbol.asyncDispose]())

  it(
    'are all handled in order, on any client, though their process is killed and the broker restarts',
    patience,
    async () => {
      const runs = await Promise.all(clients.map(setAsideAndKill))
      await broker.stop('SIGKILL')
      await broker.launch()
      const found = await Promise.all(runs.map((goOn) => goOn()))
      const every = (step: number) => Array.from({ length: 120 / step }, (_, index) => index * step)
      expect(found).toEqual(clients.map(() => ({ handled: every(1), poison: every(10) })))
    },
  )
})

/**
 * A process sets poison aside and is killed, and one after it takes that over. What is resolved with goes on after the outage: more comes,
 * and a third takes over and handles all.
 */
async function setAsideAndKill(client: Client) {
  const options = { brokers: [broker.address('plain')], sessionTimeoutMs: 2_000, heartbeatIntervalMs: 200 }
  const driver = await connect(client, options)
  const topic = await createTopic(driver)
  const [handled, poison] = [new Set<number>(), new Set<number>()]
  await sendKeys(driver, topic, poisonedKeys(100))
  await killWhenAside(client, topic, handled)
  const handle = (key: string, place: string) => {
    failPoison(key)
    handled.add(offsetOf(place))
  }
  const second = await consumeAt(driver, topic, { handle })
  onTestFinished(() => second.server.close())
  await untilAside(second.transport, 10)
  return async () => {
    await sendKeys(driver, topic, poisonedKeys(20))
    await untilAside(second.transport, 12)
    await second.server.close()
    const all = Promise.withResolvers<void>()
    const third = await consumeAt(await connect(client, options), topic, {
      handle: (key, place) => {
        if (key === 'poison') poison.add(offsetOf(place))
        handled.add(offsetOf(place))
        if (handled.size === 120) all.resolve()
      },
    })
    onTestFinished(() => third.server.close())
    await all.promise
    return { handled: [...handled].toSorted((one, other) => one - other), poison: [...poison] }
  }
}

/** Resolves when a process had set ten messages aside and is dead. */
async function killWhenAside(client: Client, topic: string, handled: Set<number>): Promise<void> {
  const path = fileURLToPath(new URL('retry-member.test-process.ts', import.meta.url))
  const child: ChildProcess = fork(path, [client, broker.address('plain'), topic, '10'], {
    execArgv: ['--conditions=@tenon/source', '--import', 'tsx'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const aside = Promise.withResolvers<void>()
  child.on('message', (told: Told) => {
    if (told.is === 'handled') handled.add(offsetOf(told.place))
    else aside.resolve()
  })
  const gone = once(child, 'exit')
  await Promise.race([aside.promise, gone.then(() => Promise.reject(new Error('the process ended by itself')))])
  child.kill('SIGKILL')
  await gone
}

function offsetOf(place: string): number {
  return Number(place.split('@')[1])
}
