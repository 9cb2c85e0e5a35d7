import { randomUUID } from 'node:crypto'
import type { ConformanceHarness, PeerCall, PeerFailure, PeerReply } from '@tenon/testing/conformance'
import {
  type AssignedPartition,
  deadLetterTopic,
  memoryBroker,
  memoryDriver,
  type QueueClock,
  type QueueDriver,
  queueTransport,
  type RecordHeader,
} from '@tenon/transport-queue'

/** What becomes of a message that failed with each code, as docs/design.md has it: a copy, so that a change of the transport's own shows. */
const dispositions: Readonly<Record<string, 'retry' | 'wait' | 'dead letter'>> = {
  cancelled: 'retry',
  unknown: 'retry',
  invalid_argument: 'dead letter',
  deadline_exceeded: 'retry',
  not_found: 'retry',
  already_exists: 'dead letter',
  permission_denied: 'dead letter',
  resource_exhausted: 'wait',
  failed_precondition: 'retry',
  aborted: 'retry',
  out_of_range: 'dead letter',
  unimplemented: 'dead letter',
  internal: 'retry',
  unavailable: 'wait',
  data_loss: 'dead letter',
  unauthenticated: 'dead letter',
}

const maxAttemptCount = 2
const nobodyWaits = 'whoever sends a message does not wait for its outcome'

/** Messages of JSON over the memory broker. A message that is committed succeeded, one that is in the dead letters failed. */
export const queueHarness: ConformanceHarness = {
  name: 'queue',
  lacks: {
    'input.text': 'a message is JSON, which has types',
    output: nobodyWaits,
    'error.to_caller': 'failures are told in dead letters, to operators, with their causes',
    'error.details': 'a dead letter has code, reason and message',
    'error.own_details': 'a dead letter has code, reason and message',
    headers: nobodyWaits,
    trailers: nobodyWaits,
    'cancel.caller': nobodyWaits,
    'cancel.held_back': nobodyWaits,
    'limit.refusal': 'a message beyond the limits waits in its topic',
    'limit.size': 'how large a message may be is the rule of the broker',
    'drain.refusal': 'a message that comes during a drain waits in its topic',
    'stream.output': 'a command is one message and has no answer',
    'stream.input': 'a command is one message',
    'stream.both': 'a command is one message and has no answer',
  },
  start: async (service) => {
    const outcomes = new Outcomes()
    const driver = observed(memoryDriver({ broker: memoryBroker() }), outcomes)
    await service.start(
      queueTransport({
        driver,
        // Otherwise who may write to a topic is the rule of the broker, and nobody asks.
        trust: 'signed',
        clock: hurried(),
        random: () => 1,
        commitIntervalMs: 0,
        retry: { maxAttemptCount, initialDelayMs: 100, maxDelayMs: 100, maxAgeMs: 1_000 },
      }),
    )
    return { call: (call) => send(driver, call, outcomes) }
  },
}

/** Produces the message as any producer could, and waits for what becomes of it. */
async function send(driver: QueueDriver, call: PeerCall, outcomes: Outcomes): Promise<PeerReply> {
  const { operation, input, metadata, timeoutMs } = call
  if (operation.queue === undefined) throw new TypeError('the operation has no topic')
  const { topic } = operation.queue
  const id = randomUUID()
  const headers = {
    ...metadata,
    ce_id: id,
    ...(timeoutMs !== undefined && { ce_expirytime: new Date(Date.now() + timeoutMs).toISOString() }),
  }
  const record = {
    topic,
    key: Buffer.from('key'),
    value: Buffer.from(JSON.stringify(input)),
    headers: Object.entries(headers).map(([name, text]): RecordHeader => [name, Buffer.from(text)]),
  }
  const outcome = outcomes.of(id)
  await driver.produce([record], { timeoutMs: 5_000 })
  return outcome
}

/** What became of messages, by their ids. */
class Outcomes {
  readonly #known = new Map<string, PromiseWithResolvers<PeerReply>>()

  of(id: string): Promise<PeerReply> {
    return this.#at(id).promise
  }

  tell(id: string, reply: PeerReply): void {
    this.#at(id).resolve(reply)
  }

  #at(id: string): PromiseWithResolvers<PeerReply> {
    const known = this.#known.get(id) ?? Promise.withResolvers()
    this.#known.set(id, known)
    return known
  }
}

/** The same driver, which tells of what is stored as a dead letter, and of what is committed. */
function observed(driver: QueueDriver, outcomes: Outcomes): QueueDriver {
  return {
    name: driver.name,
    target: driver.target,
    connect: (client) => driver.connect(client),
    ensureTopics: (topics) => driver.ensureTopics(topics),
    describe: (topic, group) => driver.describe(topic, group),
    read: (range, bound) => driver.read(range, bound),
    offsetsAt: (topic, start) => driver.offsetsAt(topic, start),
    follow: (from, signal) => driver.follow(from, signal),
    close: () => driver.close(),
    produce: async (records, bound) => {
      await driver.produce(records, bound)
      for (const { topic, headers } of records) if (topic === deadLetters) tellFailure(toTexts(headers), outcomes)
    },
    join: (membership, signal) =>
      driver.join({ ...membership, consume: (one) => membership.consume(watched(one, outcomes)) }, signal),
  }
}

const deadLetters = deadLetterTopic('tenon.conformance.act.v1', 'conformance')

function watched(partition: AssignedPartition, outcomes: Outcomes): AssignedPartition {
  const fetched = new Map<number, string>()
  return {
    topic: partition.topic,
    partition: partition.partition,
    revoked: partition.revoked,
    lost: partition.lost,
    startOffset: () => partition.startOffset(),
    fetch: async () => {
      const records = await partition.fetch()
      for (const { offset, headers } of records) fetched.set(offset, toTexts(headers)['ce_id'] ?? '')
      return records
    },
    commit: async (nextOffset) => {
      const isCommitted = await partition.commit(nextOffset)
      for (const [offset, id] of fetched) {
        if (!isCommitted || offset >= nextOffset) continue
        fetched.delete(offset)
        outcomes.tell(id, { ok: true, output: undefined, headers: {} })
      }
      return isCommitted
    },
    commitBeside: (topic, nextOffset) => partition.commitBeside(topic, nextOffset),
  }
}

/** @throws Error for a message that was handled more or less often than its code deserves. */
function tellFailure(headers: Readonly<Record<string, string>>, outcomes: Outcomes): void {
  const text = (name: string) => headers[`tenon-${name}`] ?? ''
  const code = text('error-code')
  const failure: PeerFailure = {
    ok: false,
    code,
    message: text('error-message'),
    reason: headers['tenon-error-reason'],
    headers: {},
  }
  const found = dispositionOf(Number(text('attempts')))
  const isRight = failure.reason === 'expired' || found === dispositions[code]
  const told = `a message that failed with ${code} should ${dispositions[code]}, but did ${found}`
  outcomes.tell(headers['ce_id'] ?? '', isRight ? failure : { ...failure, code: 'wrong_disposition', message: told })
}

function dispositionOf(attemptCount: number): 'retry' | 'wait' | 'dead letter' {
  if (attemptCount === 1) return 'dead letter'
  return attemptCount === maxAttemptCount ? 'retry' : 'wait'
}

function toTexts(headers: readonly RecordHeader[]): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.map(([name, value]) => [name, Buffer.from(value).toString()]))
}

/** A clock on which waiting takes no time, and is over when it is. */
function hurried(): QueueClock {
  let skippedMs = 0
  return {
    now: () => Date.now() + skippedMs,
    wait: async (durationMs) => {
      skippedMs += durationMs
    },
  }
}
