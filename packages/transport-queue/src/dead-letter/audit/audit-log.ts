import { ServiceError } from '@tenon/core/transport'
import type { ProduceBound, QueueDriver } from '../../queue-driver.ts'
import type { LetterOwner } from '../letter-position.ts'
import { readRanges } from '../read-ranges.ts'
import { auditTopic, type AuditStep, type BegunStep, readStep, toRecord } from './audit-record.ts'
import { AuditTrail } from './audit-trail.ts'

/** The topic in which redriving dead letters is told, and what is known of it. */
export class AuditLog {
  readonly trail = new AuditTrail()
  readonly #driver: QueueDriver
  readonly #owner: LetterOwner
  readonly #bound: ProduceBound
  /** All before it was read, and so many were stored behind it by this process. */
  #readOffset = 0
  #ownCount = 0

  constructor(driver: QueueDriver, owner: LetterOwner, bound: ProduceBound) {
    this.#driver = driver
    this.#owner = owner
    this.#bound = bound
  }

  /** Makes sure that it is there; who redrives need not be allowed to create it. @throws ServiceError `failed_precondition` */
  async ensure(): Promise<void> {
    if ((await this.#describe()) !== undefined) return
    const topic = auditTopic(this.#owner)
    await this.#driver.ensureTopics([{ topic, partitionCount: 1 }]).catch((cause: unknown) => {
      throw new ServiceError('failed_precondition', `topic ${topic} is not there and could not be created`, { cause })
    })
  }

  /** Stores the first step of a run, and reads all that came before it. @throws ServiceError as `QueueDriver.produce` */
  async begin(step: BegunStep): Promise<void> {
    await this.#driver.produce([toRecord(this.#owner, step)], this.#bound)
    await this.catchUp()
  }

  /** Stores another step. @throws ServiceError as `QueueDriver.produce` */
  async append(step: Exclude<AuditStep, BegunStep>): Promise<void> {
    await this.#driver.produce([toRecord(this.#owner, step)], this.#bound)
    this.#ownCount++
    this.trail.add(step)
  }

  /** Reads what others have stored meanwhile; nothing where nobody ever redrove. @throws ServiceError `unavailable` */
  async catchUp(): Promise<void> {
    const place = await this.#describe()
    if (place === undefined) return
    const { earliestOffset, nextOffset } = place
    // Only what this process stored itself has come.
    if (nextOffset !== this.#readOffset + this.#ownCount) await this.#read(earliestOffset, nextOffset)
    this.#readOffset = nextOffset
    this.#ownCount = 0
  }

  /** @throws ServiceError `aborted` when somebody began after a run did. */
  requireNewest(run: string): void {
    const { newest } = this.trail
    if (newest === undefined || newest.run === run) return
    throw new ServiceError('aborted', `${newest.by} has begun to redrive dead letters of the same group`)
  }

  async #read(earliestOffset: number, toOffset: number): Promise<void> {
    const topic = auditTopic(this.#owner)
    const ranges = new Map([[0, { fromOffset: Math.max(earliestOffset, this.#readOffset), toOffset }]])
    const take = (record: Parameters<typeof readStep>[0]) => {
      const step = readStep(record)
      if (step !== undefined) this.trail.add(step)
    }
    const isComplete = await readRanges(this.#driver, { topic, ranges, ...this.#bound }, take)
    if (!isComplete) throw new ServiceError('unavailable', `topic ${topic} could not be read to its end`)
  }

  async #describe() {
    try {
      const progress = await this.#driver.describe(auditTopic(this.#owner), this.#owner.group)
      return progress.find(({ partition }) => partition === 0)
    } catch (error) {
      if (ServiceError.is(error) && error.code === 'not_found') return undefined
      throw error
    }
  }
}
