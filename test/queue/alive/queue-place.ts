import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QueueDriver } from '@tenon/transport-queue'
import type { BrokerPlace, DriverName } from '../process/instance-environment.ts'
import { openDriver } from '../process/process-broker.ts'

/** A topic and a group of a test's own at a broker. Disposing closes its drivers. */
export interface QueuePlace extends AsyncDisposable {
  readonly broker: BrokerPlace
  readonly topic: string
  readonly group: string
  /** Connected, with the topic. */
  readonly sender: QueueDriver
  /** A driver that nobody has connected. */
  newDriver(): QueueDriver
}

export interface PlaceOptions {
  readonly partitionCount?: number
  readonly sessionTimeoutMs?: number
  /** Of Kafka, separated by commas. @defaultValue those that KAFKA_BROKERS names */
  readonly brokers?: string
}

/** Makes a file of its own for sqlite. */
export async function openPlace(
  driver: DriverName,
  { partitionCount = 1, sessionTimeoutMs = 6_000, brokers = process.env['KAFKA_BROKERS'] ?? '' }: PlaceOptions = {},
): Promise<QueuePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-alive-'))
  const target = driver === 'sqlite' ? join(folder, 'queue.db') : brokers
  const broker: BrokerPlace = { driver, target, sessionTimeoutMs }
  const topic = `alive-${randomBytes(6).toString('hex')}.happened.v1`
  const sender = openDriver(broker)
  await sender.connect({ clientId: 'sender' })
  await sender.ensureTopics([{ topic, partitionCount }])
  return {
    broker,
    topic,
    group: `${topic}.group`,
    sender,
    newDriver: () => openDriver(broker),
    [Symbol.asyncDispose]: async () => {
      await sender.close()
      await rm(folder, { recursive: true })
    },
  }
}
