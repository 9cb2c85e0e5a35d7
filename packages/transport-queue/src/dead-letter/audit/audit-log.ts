import { ServiceError } from '@tenon/core/transport'
import type { ProduceBound, QueueDriver } from '../../queue-driver.ts'
import { type QueueClock, systemClock } from '../../wait.ts'
import type { LetterOwner } from '../letter-position.ts'
import { readRanges } from '../read-ranges.ts'
import { auditTopic, type AuditStep, type BegunStep, readStep, toRecord } from './audit-record.ts'
import { AuditTrail } from './audit-trail.ts'

/** How long requests may take, and time for tests. */
export interface AuditBound extends ProduceBound {
  /** @defaultValue the system's */
  readonly clock?: Pick<QueueClock, 'wait'>
}

/** The topic in which redriving dead letters is told, and what is known of it. */
export class AuditLog {
  readonly trail = new AuditTrail()
  readonly #driver: QueueDriver
  readonly #owner: LetterOwner
  readonly #bound: ProduceBound
  readonly #clock: Pick<QueueClock, 'wait'>
  /** Where it ends at least, by what was seen of it and what this process has written. */
  #leastOffset = 0
  /** Whether its first steps were gone already when it was read. */
  #isCut = false
  #isRead = false
  #shortage: string | undefined
  /** All before it was read, and so many were stored behind it by this process. */
  #readOffset = 0
  #ownCount = 0

  constructor(driver: QueueDriver, owner: LetterOwner, { clock = systemClock, ...bound }: AuditBound) {
    this.#driver = driver
    this.#owner = owner
    this.#bound = bound
    this.#clock = clock
  }

  /**
   * Retention has taken steps that were stored before this, in epoch milliseconds, by clocks that may differ; undefined where none are gone.
   * Steps of a run whose beginning is gone count as gone.
   */
  get forgottenBeforeAt(): number | undefined {
    if (!this.#isCut) return undefined
    const [oldest] = this.trail.runs
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest.begun.at + clockDifferenceMs
  }

  /** Why its broker will forget steps, in words; undefined where it is not known to. */
  get shortage(): string | undefined {
    return this.#shortage
  }

  /** Notes where it ends and how long its broker keeps it. Whether it is there. @throws ServiceError `permission_denied`, `unavailable` */
  async look(): Promise<boolean> {
    const place = await this.#describe()
    this.#leastOffset = place?.nextOffset ?? 0
    if (place !== undefined) await this.#readRetention()
    return place !== undefined
  }

  /** Makes sure that it is there; who redrives need not be allowed to create it. @throws ServiceError `failed_precondition` */
  async ensure(): Promise<void> {
    if (await this.look()) return
    const topic = auditTopic(this.#owner)
    await this.#driver.ensureTopics([{ topic, partitionCount: 1, isKept: true }]).catch((cause: unknown) => {
      throw new ServiceError('failed_precondition', `topic ${topic} is not there and could not be created`, { cause })
    })
  }

  /** Stores the first step of a run. @throws ServiceError as `QueueDriver.produce` */
  async begin(step: BegunStep): Promise<void> {
    await this.#driver.produce([toRecord(this.#owner, step)], this.#bound)
    this.#leastOffset += 1
  }

  /**
   * Reads all that came before the first step of a run, and that step.
   *
   * @throws ServiceError `unavailable` when it cannot be read back within a second, for then nobody knows what came before.
   */
  async readBack(run: string): Promise<void> {
    for (let tryCount = 1; ; tryCount++) {
      await this.catchUp()
      if (this.trail.runs.some(({ begun }) => begun.run === run)) return
      if (tryCount === mostTryCount)
        throw new ServiceError('unavailable', `topic ${auditTopic(this.#owner)} does not show what was stored in it`)
      await this.#clock.wait(tryPauseMs, never)
    }
  }

  /** Stores another step. @throws ServiceError as `QueueDriver.produce` */
  async append(step: Exclude<AuditStep, BegunStep>): Promise<void> {
    await this.#driver.produce([toRecord(this.#owner, step)], this.#bound)
    this.#ownCount++
    this.trail.add(step)
  }

  /** Reads what others have stored meanwhile; nothing where nobody ever redrove. @throws ServiceError `unavailable` */
  async catchUp(): Promise<void> {
    const place = await this.#findEnd()
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

  /**
   * A broker may not know yet of a topic, or of what another one stored. What is missing after a second is lost, and with it what older
   * runs did: nothing more may be put back then.
   */
  async #findEnd() {
    const leastOffset = Math.max(this.#readOffset + this.#ownCount, this.#leastOffset)
    for (let tryCount = 1; ; tryCount++) {
      const place = await this.#describe()
      if ((place?.nextOffset ?? 0) >= leastOffset) return place
      if (tryCount === mostTryCount) throw this.#lost()
      await this.#clock.wait(tryPauseMs, never)
    }
  }

  async #readRetention(): Promise<void> {
    // Who may not look at its settings, or gets no answer, knows nothing of them.
    const retention = await this.#driver.retentionOf?.(auditTopic(this.#owner)).catch(() => undefined)
    if (retention?.isCompacted === true) this.#shortage = 'is compacted'
    else if (retention !== undefined && retention.keptMs < Number.POSITIVE_INFINITY)
      this.#shortage = `keeps its records for ${retention.keptMs} ms`
  }

  #lost(): ServiceError {
    const topic = auditTopic(this.#owner)
    return new ServiceError(
      'unavailable',
      `topic ${topic} lacks what was stored in it, or is gone; nothing more is put back`,
    )
  }

  async #read(earliestOffset: number, toOffset: number): Promise<void> {
    // What nobody here has read is gone, and may be that a newer run began.
    if (this.#isRead && earliestOffset > this.#readOffset) throw this.#lost()
    if (!this.#isRead) this.#isCut = earliestOffset > 0
    const topic = auditTopic(this.#owner)
    const ranges = new Map([[0, { fromOffset: Math.max(earliestOffset, this.#readOffset), toOffset }]])
    const take = (record: Parameters<typeof readStep>[0]) => {
      const step = readStep(record)
      if (step !== undefined) this.trail.add(step)
    }
    const isComplete = await readRanges(this.#driver, { topic, ranges, isWhole: true, ...this.#bound }, take)
    if (!isComplete) throw new ServiceError('unavailable', `topic ${topic} could not be read to its end`)
    this.#isRead = true
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

const never: AbortSignal = new AbortController().signal
/** A second together. Guesses. */
const mostTryCount = 11
const tryPauseMs = 100
/** By which the clocks of those who bury and of those who redrive may differ. A guess. */
const clockDifferenceMs = 60_000
