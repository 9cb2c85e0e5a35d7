import type { AssignedPartition, QueueDriver, ReceivedRecord, RecordToSend } from '@tenon/transport-queue'
import { overPartitions } from './changed-driver.ts'
import type { PlantedBug } from './model-member.ts'

/** Mistakes that consumers of other frameworks make, or that ours could, each as something between the loop and its broker. */

/** Says that messages are done with as soon as it has them. */
export function commitsBeforeEffects(driver: QueueDriver): QueueDriver {
  return overPartitions(driver, (partition) => ({
    fetch: async () => {
      const records = await partition.fetch()
      const last = records.at(-1)
      if (last) await partition.commit(last.offset + 1).catch(() => false)
      return records
    },
  }))
}

/** Says of a revoked partition that all is done with that it was given. */
export function commitsWhatIsRevoked(driver: QueueDriver): QueueDriver {
  return overPartitions(driver, (partition) => {
    let end = 0
    partition.revoked.addEventListener('abort', () => void (end && partition.commit(end).catch(() => false)))
    return {
      fetch: async () => {
        const records = await partition.fetch()
        end = (records.at(-1)?.offset ?? end - 1) + 1
        return records
      },
    }
  })
}

/** A broker that takes a commit from whoever sends it: it goes through the partition's new owner. */
export function storesFencedCommits(): PlantedBug {
  const owners = new Map<string, AssignedPartition>()
  return (driver) =>
    overPartitions(driver, (partition) => {
      const place = `${partition.topic}/${partition.partition}`
      owners.set(place, partition)
      return {
        commit: async (nextOffset) =>
          (await partition.commit(nextOffset)) || ((await owners.get(place)?.commit(nextOffset)) ?? false),
      }
    })
}

/** Says of every commit that it is stored, and stores it much later. */
export function storesCommitsLate(lateByMs: number): PlantedBug {
  return (driver) =>
    overPartitions(driver, (partition) => ({
      commit: async (nextOffset) => {
        setTimeout(() => void partition.commit(nextOffset).catch(() => false), lateByMs)
        return true
      },
    }))
}

/** Takes a commit that is refused for one that nobody needs any more. */
export function forgetsRefusals(driver: QueueDriver): QueueDriver {
  return overPartitions(driver, (partition) => ({
    commit: async (nextOffset) => (await partition.commit(nextOffset)) || true,
  }))
}

/** Lets messages of a key run side by side, for it does not see that they have one. */
export function forgetsKeys(driver: QueueDriver): QueueDriver {
  return overPartitions(driver, (partition) => ({
    fetch: async () => (await partition.fetch()).map((record) => ({ ...record, key: null })),
  }))
}

/** Lets every message wait for every other, as if all had one key. */
export function holdsAllKeys(driver: QueueDriver): QueueDriver {
  const key = Buffer.from('all')
  return overPartitions(driver, (partition) => ({
    fetch: async () => (await partition.fetch()).map((record) => ({ ...record, key })),
  }))
}

/** Sleeps on when messages come to a partition that was empty. */
export function losesWakeUps(driver: QueueDriver): QueueDriver {
  return overPartitions(driver, (partition) => ({
    fetch: async () => {
      const fetching = partition.fetch()
      const atOnce = await Promise.race([fetching, nextTurn()])
      if (atOnce) return atOnce
      await fired(partition.revoked)
      return []
    },
  }))
}

/** Takes over a partition without knowing which keys have messages that were set aside. */
export function dropsFences(driver: QueueDriver): QueueDriver {
  return {
    ...same(driver),
    read: (range, bound) => withoutKeys(driver.read(range, bound), range.toOffset !== undefined),
  }
}

/** Handles what follows a message that was set aside before that one. */
export function forgetsParkedKeys(driver: QueueDriver): QueueDriver {
  return {
    ...same(driver),
    read: (range, bound) => withoutKeys(driver.read(range, bound), range.toOffset === undefined),
  }
}

/** Sets messages aside in a partition that is not theirs. */
export function parksElsewhere(driver: QueueDriver): QueueDriver {
  return {
    ...same(driver),
    produce: (records, bound) =>
      driver.produce(
        records.map((record) => (isParked(record) ? { ...record, partition: record.partition === 0 ? 1 : 0 } : record)),
        bound,
      ),
  }
}

/** Takes a message for set aside as soon as it is sent. */
export function parksWithoutAnswer(driver: QueueDriver): QueueDriver {
  return {
    ...same(driver),
    produce: async (records, bound) => {
      const producing = driver.produce(records, bound)
      if (!records.some(isParked)) return producing
      producing.catch(() => undefined)
    },
  }
}

/** Takes messages for stored that it sends only when it has nothing else to do just now. */
export function sendsBehindAnswers(driver: QueueDriver): QueueDriver {
  return {
    ...same(driver),
    produce: async (records, bound) => {
      void nextTurn()
        .then(() => driver.produce(records, bound))
        .catch(() => undefined)
    },
  }
}

/** Takes the word that messages which were set aside are done with for stored, and loses it. */
export function losesDoneWords(driver: QueueDriver): QueueDriver {
  return {
    ...same(driver),
    produce: async (records, bound) => {
      const others = records.filter((record) => !saysDone(record))
      if (others.length > 0) await driver.produce(others, bound)
    },
  }
}

function saysDone({ headers }: RecordToSend): boolean {
  return headers.some(([name]) => name === 'tenon-retry-done')
}

function same(driver: QueueDriver): QueueDriver {
  return overPartitions(driver, () => ({}))
}

function isParked({ topic }: RecordToSend): boolean {
  return topic.includes('.retry.')
}

async function* withoutKeys(reading: AsyncIterable<readonly ReceivedRecord[]>, isForgotten: boolean) {
  for await (const records of reading) yield isForgotten ? records.map((record) => ({ ...record, key: null })) : records
}

function nextTurn(): Promise<readonly ReceivedRecord[] | undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)))
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
