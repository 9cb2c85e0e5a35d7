import { randomUUID } from 'node:crypto'
import type { Logger } from '@tenon/core'
import type { AssignedPartition, QueueDriver, ReceivedRecord, RecordToSend } from '@tenon/transport-queue'

/** A message as it is on the wire, for tests to send and to see. */
export interface Message {
  readonly topic: string
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** A message without headers need not say so. */
export type MessageToSend = Omit<Message, 'headers'> & Partial<Pick<Message, 'headers'>>

/** A topic that is read from its beginning. */
export interface FollowedTopic extends AsyncDisposable {
  /** What has been read so far. */
  readonly messages: readonly Message[]
}

/** Sends a message as any producer could, valid or not. */
export async function sendRaw(driver: QueueDriver, message: MessageToSend): Promise<void> {
  const { topic, key, value, headers = {} } = message
  const record: RecordToSend = {
    topic,
    key: Buffer.from(key),
    value: Buffer.from(value),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
  }
  await driver.ensureTopics([{ topic }])
  await driver.produce([record], { timeoutMs: 5_000 })
}

/** Reads a topic with a group of its own. */
export async function followTopic(driver: QueueDriver, topic: string): Promise<FollowedTopic> {
  const messages: Message[] = []
  const consume = async (partition: AssignedPartition) => {
    while (!partition.revoked.aborted) messages.push(...(await partition.fetch()).map(toMessage))
  }
  await driver.ensureTopics([{ topic }])
  const { signal } = new AbortController()
  const group = `test-${randomUUID()}`
  const member = await driver.join({ group, topics: [topic], log: silent, consume, fail: () => undefined }, signal)
  return { messages, [Symbol.asyncDispose]: () => member.leave(signal) }
}

function toMessage({ topic, key, value, headers }: ReceivedRecord): Message {
  const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString()
  return {
    topic,
    key: text(key),
    value: text(value),
    headers: Object.fromEntries(headers.map(([name, bytes]) => [name, text(bytes)])),
  }
}

const nothing = () => undefined
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent }
