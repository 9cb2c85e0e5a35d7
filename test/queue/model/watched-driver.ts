import type { AssignedPartition, Membership, QueueDriver, ReceivedRecord, RecordToSend } from '@tenon/transport-queue'
import type { Journal } from './journal.ts'
import { assignmentHeader, headersOf, positionHeader, retryOffsetHeader, retryOffsetOf } from './message.ts'

export interface WatchedDriver {
  readonly driver: QueueDriver
  /** From now on no call is answered and nothing is passed on, as when the process had been killed. */
  die(): void
}

export interface WatchOptions {
  /** Names the member, and all its assignments. */
  readonly member: string
  readonly journal: Journal
}

/** A driver that writes down what passes through it, between the consumers of one member and their broker. */
export function watchDriver(inner: QueueDriver, { member, journal }: WatchOptions): WatchedDriver {
  let isDead = false
  let assignmentCount = 0
  let commitCount = 0
  /** The newest assignment of each partition. */
  const current = new Map<string, string>()
  const alive = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const value = await work
      return isDead ? await never : value
    } catch (error) {
      return isDead ? await never : Promise.reject(error)
    }
  }
  const guarded = <T>(work: () => Promise<T>): Promise<T> => (isDead ? never : alive(work()))

  const produce: QueueDriver['produce'] = async (records, bound) => {
    await guarded(() => inner.produce(records, bound))
    for (const record of records) {
      tellBurial(record, journal)
      tellParking(record, journal)
      tellDone(record, current.get(placeOf(record)), journal)
    }
  }

  const read: QueueDriver['read'] = async function* (range, bound) {
    const steps = inner.read(range, bound)[Symbol.asyncIterator]()
    for (;;) {
      const step = await guarded(() => steps.next())
      if (step.done) return
      const assignment = current.get(placeOf(range))
      const isRetry = retryEnding.test(range.topic) && assignment !== undefined
      // What an owner reads back of its own is stored, though that may not have been answered.
      const isReadBack = isRetry && range.toOffset === undefined
      const own = isReadBack ? step.value.filter((record) => headersOf(record)[assignmentHeader] === assignment) : []
      for (const record of own) tellParking(record, journal)
      yield isRetry ? step.value.map((record) => givenTo(record, assignment)) : step.value
    }
  }

  const commit = async (partition: AssignedPartition, assignment: string, nextOffset: number): Promise<boolean> => {
    if (isDead) return never
    const name = `${member}:commit-${++commitCount}`
    const answered = (answer: 'stored' | 'refused' | 'failed') => {
      if (!isDead) journal.add({ is: 'committed', commit: name, answer })
    }
    journal.add({ is: 'commits', assignment, commit: name, nextOffset })
    try {
      const isStored = await partition.commit(nextOffset)
      answered(isStored ? 'stored' : 'refused')
      return await alive(Promise.resolve(isStored))
    } catch (error) {
      answered('failed')
      return alive(Promise.reject(error))
    }
  }

  const commitBeside = async (
    work: () => Promise<boolean>,
    { assignment, nextOffset }: { readonly assignment: string; readonly nextOffset: number },
  ): Promise<boolean> => {
    const answered = (answer: 'stored' | 'refused' | 'failed') =>
      void (isDead || journal.add({ is: 'committed beside', assignment, answer, nextOffset }))
    try {
      const isStored = await guarded(work)
      answered(isStored ? 'stored' : 'refused')
      return isStored
    } catch (error) {
      answered('failed')
      throw error
    }
  }

  const watchPartition = (partition: AssignedPartition, assignment: string): AssignedPartition => ({
    topic: partition.topic,
    partition: partition.partition,
    revoked: partition.revoked,
    lost: partition.lost,
    startOffset: () => guarded(() => partition.startOffset()),
    fetch: async () => (await guarded(() => partition.fetch())).map((record) => marked(record, assignment)),
    commit: (nextOffset) => commit(partition, assignment, nextOffset),
    commitBeside: (topic, nextOffset) =>
      commitBeside(() => partition.commitBeside(topic, nextOffset), { assignment, nextOffset }),
  })

  const consume = async (partition: AssignedPartition, membership: Membership): Promise<void> => {
    if (isDead) return never
    const assignment = `${member}:${++assignmentCount}`
    current.set(`${partition.topic}/${partition.partition}`, assignment)
    const tell = (is: 'revoked' | 'lost' | 'settled') => void (isDead || journal.add({ is, assignment }))
    journal.add({ is: 'assigned', assignment, member, place: `${partition.topic}/${partition.partition}` })
    partition.revoked.addEventListener('abort', () => tell('revoked'), { once: true })
    partition.lost.addEventListener('abort', () => tell('lost'), { once: true })
    await membership.consume(watchPartition(partition, assignment))
    tell('settled')
  }

  return {
    driver: {
      name: inner.name,
      target: inner.target,
      connect: (client) => guarded(() => inner.connect(client)),
      ensureTopics: (topics) => guarded(() => inner.ensureTopics(topics)),
      produce,
      describe: (topic, group) => guarded(() => inner.describe(topic, group)),
      read,
      offsetsAt: (topic, start) => guarded(() => inner.offsetsAt(topic, start)),
      follow: (from, signal) => inner.follow(from, signal),
      join: (membership, signal) =>
        guarded(() => inner.join({ ...membership, consume: (partition) => consume(partition, membership) }, signal)),
      close: () => guarded(() => inner.close()),
    },
    die: () => {
      if (isDead) return
      isDead = true
      journal.add({ is: 'died', member })
    },
  }
}

const never = new Promise<never>(() => undefined)

function marked(record: ReceivedRecord, assignment: string): ReceivedRecord {
  const position = `${record.topic}/${record.partition}@${record.offset}`
  return withMarks(record, { [assignmentHeader]: assignment, [positionHeader]: position })
}

function withMarks(record: ReceivedRecord, marks: Readonly<Record<string, string>>): ReceivedRecord {
  const headers = Object.entries(marks).map(([name, text]) => [name, Buffer.from(text)] as const)
  return { ...record, headers: [...record.headers, ...headers] }
}

/** A message that was set aside still says where it lay in the source. */
function givenTo(record: ReceivedRecord, assignment: string): ReceivedRecord {
  return withMarks(record, { [assignmentHeader]: assignment, [retryOffsetHeader]: String(record.offset) })
}

function tellParking(record: RecordToSend, journal: Journal): void {
  const headers = headersOf(record)
  const offset = headers['tenon-retry-offset']
  const assignment = headers[assignmentHeader]
  if (offset === undefined || assignment === undefined) return
  journal.add({ is: 'parked', assignment, place: placeOf(record), offset: Number(offset) })
}

/** Such as `3,5-7`. */
function tellDone(record: RecordToSend, assignment: string | undefined, journal: Journal): void {
  const done = headersOf(record)['tenon-retry-done']
  if (done === undefined || assignment === undefined) return
  const retryOffsets = done.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  journal.add({ is: 'told done', assignment, retryOffsets })
}

/** Of the source, where something is of a retry topic. */
function placeOf({ topic, partition }: Pick<RecordToSend, 'topic' | 'partition'>): string {
  return `${topic.replace(retryEnding, '')}/${partition}`
}

/** Whatever the group is called. */
const retryEnding = /\.retry\.[^.]+$/

/** Dead letters say where their message lay. */
function tellBurial(record: RecordToSend, journal: Journal): void {
  const headers = headersOf(record)
  const topic = headers['tenon-source-topic']
  const assignment = headers[assignmentHeader]
  if (topic === undefined || assignment === undefined) return
  const place = `${topic}/${headers['tenon-source-partition']}`
  const offset = Number(headers['tenon-source-offset'])
  journal.add({ is: 'buried', assignment, place, offset, ...retryOffsetOf(headers) })
}
