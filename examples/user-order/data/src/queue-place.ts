import { sqliteFile } from './data-dir.ts'

/** What the place of the queue file comes from. */
export interface QueueFileSettings {
  /** The file itself, or `:memory:`. @defaultValue `queue.db` beside the data */
  readonly queueFile: string | undefined
  readonly dataDir: string | undefined
}

export interface QueueSettings extends QueueFileSettings {
  readonly brokers: readonly string[]
  readonly kafkaClient: string | undefined
}

/**
 * Where messages are, for `queueDriver()`: on Kafka where brokers are named, else in a file.
 *
 * @throws TypeError that names the setting, for a client that does not exist.
 */
export function queuePlace(settings: QueueSettings) {
  const { brokers, kafkaClient: client } = settings
  if (client !== undefined && !isClient(client))
    throw new TypeError(`KAFKA_CLIENT: expected ${clients.join(' or ')}, found "${client}"`)
  return { brokers, client, path: queuePath(settings) }
}

/** The file of the queue that all services of this machine share; undefined for messages that stay in the process. */
export function queuePath({ queueFile, dataDir }: QueueFileSettings): string | undefined {
  const file = queueFile ?? sqliteFile('queue.db', dataDir)
  return file === ':memory:' ? undefined : file
}

const clients = ['kafkajs', 'platformatic'] as const

function isClient(name: string): name is (typeof clients)[number] {
  return clients.some((client) => client === name)
}
