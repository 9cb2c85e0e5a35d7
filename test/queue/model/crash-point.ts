import type { QueueDriver } from '@tenon/transport-queue'
import { overPartitions } from './changed-driver.ts'

/** Where a process dies: before it makes one of the calls of a run, or when that is answered. */
export interface CrashPlan {
  /** Counts the calls of all members together, and the handlings of messages, from 1. */
  readonly callNumber: number
  readonly side: 'before' | 'after'
}

/** Ends the member that makes the call of the plan. */
export class CrashPoint implements CrashPlan {
  readonly callNumber: number
  readonly side: 'before' | 'after'
  #callCount = 0

  constructor({ callNumber, side }: CrashPlan) {
    this.callNumber = callNumber
    this.side = side
  }

  /** Whether the run has come to the call. */
  get wasReached(): boolean {
    return this.#callCount >= this.callNumber
  }

  /** What the work comes to. Nothing becomes of it where its member dies. */
  async pass<T>(work: () => Promise<T>, die: () => void): Promise<T> {
    const isLast = ++this.#callCount === this.callNumber
    if (isLast && this.side === 'before') return end(die)
    try {
      const value = await work()
      return isLast ? await end(die) : value
    } catch (error) {
      return isLast ? end(die) : Promise.reject(error)
    }
  }
}

/** A driver of a member that dies of the call of the plan. */
export function crashingDriver(driver: QueueDriver, crash: CrashPoint, die: () => void): QueueDriver {
  const pass = <T>(work: () => Promise<T>) => crash.pass(work, die)
  const consuming = overPartitions(driver, (partition) => ({
    startOffset: () => pass(() => partition.startOffset()),
    fetch: () => pass(() => partition.fetch()),
    commit: (nextOffset) => pass(() => partition.commit(nextOffset)),
    commitBeside: (topic, nextOffset) => pass(() => partition.commitBeside(topic, nextOffset)),
  }))
  return {
    ...consuming,
    ensureTopics: (wanted) => pass(() => driver.ensureTopics(wanted)),
    produce: (records, bound) => pass(() => driver.produce(records, bound)),
    describe: (topic, group) => pass(() => driver.describe(topic, group)),
    async *read(range, bound) {
      const steps = driver.read(range, bound)[Symbol.asyncIterator]()
      for (;;) {
        const step = await pass(() => steps.next())
        if (step.done) return
        yield step.value
      }
    },
    offsetsAt: (topic, start) => pass(() => driver.offsetsAt(topic, start)),
    join: (membership, signal) => pass(() => consuming.join(membership, signal)),
  }
}

function end(die: () => void): Promise<never> {
  die()
  return new Promise(() => undefined)
}
