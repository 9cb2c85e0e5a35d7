import { ServiceError } from '@tenon/core'
import type { QueueDriver } from '@tenon/transport-queue'
import { overPartitions } from './changed-driver.ts'
import type { FaultPlan } from './scenario.ts'

export interface FailurePlan extends FaultPlan {
  /** The same of questions, and of each step of a reading. */
  readonly readFailurePercent: number
}

/** A driver whose requests fail by chance. Every other one of them is carried out all the same, and only its answer is lost. */
export function failingDriver(driver: QueueDriver, faults: FailurePlan): QueueDriver {
  const { commitFailurePercent, produceFailurePercent, readFailurePercent } = faults
  const random = randomOf(faults.seed)
  let leftReadFailureCount = mostReadFailureCount
  const carryOut = async <T>(work: () => Promise<T>, failurePercent: number): Promise<T> => {
    const chance = random() * 100
    if (chance < failurePercent / 2) throw unanswered()
    const value = await work()
    if (chance < failurePercent) throw unanswered()
    return value
  }
  const read = <T>(work: () => Promise<T>): Promise<T> => {
    if (leftReadFailureCount <= 0) return work()
    return carryOut(work, readFailurePercent).catch((error: unknown) => {
      leftReadFailureCount -= 1
      throw error
    })
  }
  const committing = overPartitions(driver, (partition) => ({
    commit: (nextOffset) => carryOut(() => partition.commit(nextOffset), commitFailurePercent),
    commitBeside: (topic, nextOffset) =>
      carryOut(() => partition.commitBeside(topic, nextOffset), commitFailurePercent),
  }))
  return {
    ...committing,
    produce: (records, bound) => carryOut(() => driver.produce(records, bound), produceFailurePercent),
    describe: (topic, group) => read(() => driver.describe(topic, group)),
    async *read(range, bound) {
      const steps = driver.read(range, bound)[Symbol.asyncIterator]()
      for (;;) {
        const step = await read(() => steps.next())
        if (step.done) return
        yield step.value
      }
    },
  }
}

/** A driver that is told by chance that a partition is not its own while it is, as brokers say between two generations of a group. */
export function refusingDriver(driver: QueueDriver, { seed, commitFailurePercent }: FaultPlan): QueueDriver {
  const random = randomOf(seed)
  return overPartitions(driver, (partition) => ({
    commit: async (nextOffset) => random() * 100 >= commitFailurePercent && partition.commit(nextOffset),
    commitBeside: async (topic, nextOffset) =>
      random() * 100 >= commitFailurePercent && partition.commitBeside(topic, nextOffset),
  }))
}

/** Of one driver: each step of a reading may fail, so that a long one would hardly ever come to its end. */
const mostReadFailureCount = 10

function unanswered(): ServiceError {
  return new ServiceError('unavailable', 'the broker did not answer')
}

/** Good enough to choose by. @see Numerical Recipes, a quick linear congruential generator */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
