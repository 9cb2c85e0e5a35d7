import { ServiceError, unlessAborted } from '@tenon/core/transport'
import type { Membership, MemberState, QueueMember } from '../../queue-driver.ts'
import { orAborted, wait, whileCuttable } from '../../wait.ts'
import { tellMissed } from '../missed-records.ts'
import { giveUp } from '../ownership.ts'
import { isLocked } from '../sqlite-file/sqlite-error.ts'
import { type Claim, type DoneOffset, SqliteGroup } from './sqlite-group.ts'
import { currentProcess, MemberWatch } from './sqlite-liveness.ts'
import { SqlitePartition } from './sqlite-partition.ts'
import type { SqliteQueue } from './sqlite-queue.ts'

/**
 * One member of a group. Who owns what is decided in the file, by whoever joins, leaves or finds another dead; every member
 * carries out its own part of it when it learns that the file has changed.
 */
export class SqliteMember implements QueueMember {
  readonly #queue: SqliteQueue
  readonly #membership: Membership
  readonly #group: SqliteGroup
  readonly #watch: MemberWatch
  readonly #owned = new Map<number, SqlitePartition>()
  readonly #joined = Promise.withResolvers<void>()
  readonly #ended = new AbortController()
  readonly #cut = new AbortController()
  #memberId = 0
  #version = -1
  #state: MemberState = 'joining'
  #hasJoined = false
  #leaving: Promise<void> | undefined

  constructor(queue: SqliteQueue, groupId: number, membership: Membership) {
    this.#queue = queue
    this.#membership = membership
    this.#group = new SqliteGroup(queue.database, groupId)
    this.#watch = new MemberWatch(queue.settings.heartbeatIntervalMs * watchedIntervalCount)
    this.#joined.promise.catch(() => undefined)
  }

  get state(): MemberState {
    return this.#state
  }

  /** Resolves with the first assignment. */
  async join(signal: AbortSignal): Promise<void> {
    this.#queue.observe(this)
    await this.#enter(signal)
    void this.#live()
    await orAborted(this.#joined.promise, signal)
  }

  async leave(signal: AbortSignal): Promise<void> {
    const leaving = () => (this.#leaving ??= this.#leave())
    await whileCuttable(leaving, signal, () => this.#cut.abort())
  }

  /** The file has changed: does what that means for this member. @throws SQLite's error when it cannot be read now */
  changed(): void {
    if (this.#memberId === 0 || this.#ended.signal.aborted) return
    const version = this.#group.version()
    if (version === this.#version) return
    const claims = this.#group.claimsOf(this.#memberId)
    this.#version = version
    if (claims === undefined) this.#lose()
    else this.#follow(claims)
  }

  fail(error: unknown): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#queue.unobserve(this)
    for (const partition of this.#owned.values()) partition.lose()
    this.#owned.clear()
    this.#state = 'failed'
    if (this.#hasJoined) this.#membership.fail(error)
    else this.#joined.reject(error)
  }

  /** Becomes a member; a fenced one becomes another. */
  async #enter(signal: AbortSignal): Promise<void> {
    const { writer, settings } = this.#queue
    const joining = {
      topics: this.#membership.topics,
      starts: await this.#findStarts(),
      sessionTimeoutMs: settings.sessionTimeoutMs,
      ...currentProcess(),
    }
    const entering = writer.push(() => this.#group.join(joining), {
      timeoutMs: Number(settings.connectTimeoutMs),
      signal,
    })
    this.#memberId = await entering
    this.#version = -1
    this.#changedUnlessLocked()
  }

  /** Asked for before anything is written, since looking for a moment may take some turns. */
  async #findStarts(): Promise<ReadonlyMap<string, readonly number[]>> {
    const found = new Map<string, readonly number[]>()
    for (const [topic, start] of this.#membership.starts ?? [])
      found.set(topic, await this.#queue.log.offsetsAt(topic, start))
    return found
  }

  #changedUnlessLocked(): void {
    try {
      this.changed()
    } catch (error) {
      if (!isLocked(error)) this.fail(error)
    }
  }

  #follow(claims: readonly Claim[]): void {
    const memberId = this.#memberId
    const mine = new Map(claims.filter(({ ownerId }) => ownerId === memberId).map((claim) => [claim.logId, claim]))
    for (const [logId, partition] of this.#owned) {
      const claim = mine.get(logId)
      if (claim?.generation !== partition.holding.generation) this.#drop(logId, partition)
      else if (claim.heirId !== memberId) void this.#handOver(partition)
    }
    if (this.#state === 'draining') return
    for (const [logId, claim] of mine) if (!this.#owned.has(logId)) this.#begin(claim)
    if (claims.some(({ ownerId, heirId }) => heirId === memberId && ownerId !== memberId)) return
    if (this.#state === 'joining') this.#state = 'assigned'
    this.#hasJoined = true
    this.#joined.resolve()
  }

  #begin(claim: Claim): void {
    const commit = (of: SqlitePartition, done: DoneOffset) => this.#commit(of, done)
    const partition = new SqlitePartition(claim, { queue: this.#queue, memberId: this.#memberId, commit })
    this.#owned.set(claim.logId, partition)
    const { committedOffset: from, nextOffset: oldest } = claim
    if (from !== null) tellMissed(this.#membership, claim, { from, oldest })
    void this.#membership.consume(partition).finally(() => partition.settle())
    if (claim.heirId !== this.#memberId) void this.#handOver(partition)
  }

  #drop(logId: number, partition: SqlitePartition): void {
    partition.lose()
    this.#owned.delete(logId)
  }

  /** Lets a running message end, within the bound, and gives the partition to whoever is to have it. */
  async #handOver(partition: SqlitePartition): Promise<void> {
    if (partition.isLeaving) return
    partition.isLeaving = true
    const bound = new AbortController()
    const timer = setTimeout(() => bound.abort(), this.#queue.settings.rebalanceTimeoutMs)
    await giveUp([partition], bound.signal)
    clearTimeout(timer)
    while (!this.#ended.signal.aborted && !(await this.#release(partition)))
      await wait(this.#queue.settings.heartbeatIntervalMs, this.#ended.signal)
  }

  async #release(partition: SqlitePartition): Promise<boolean> {
    const { writer, settings } = this.#queue
    const { holding } = partition
    try {
      await writer.push(() => this.#group.release(holding), { timeoutMs: settings.sessionTimeoutMs })
    } catch (error) {
      if (ServiceError.is(error) && error.code !== 'unavailable') this.fail(error)
      return false
    }
    if (this.#owned.get(holding.logId) === partition) this.#owned.delete(holding.logId)
    this.#version = -1
    this.#changedUnlessLocked()
    return true
  }

  async #commit(partition: SqlitePartition, done: DoneOffset): Promise<boolean> {
    const work = () => this.#group.commit(partition.holding, done)
    const committing = this.#queue.writer.push(work, { timeoutMs: commitTimeoutMs })
    const isStored = (await unlessAborted(committing, partition.lost)) ?? false
    if (!isStored) this.#changedUnlessLocked()
    return isStored
  }

  /** Heartbeats, and a look at those of the others, until this member has left. */
  async #live(): Promise<void> {
    const { heartbeatIntervalMs } = this.#queue.settings
    while (!this.#ended.signal.aborted) {
      await wait(heartbeatIntervalMs, this.#ended.signal)
      if (this.#ended.signal.aborted) return
      try {
        await this.#beat()
      } catch (error) {
        this.#missed(error)
      }
    }
  }

  async #beat(): Promise<void> {
    const { writer, settings } = this.#queue
    const isMember = await writer.push(() => this.#beatNow(), { timeoutMs: settings.sessionTimeoutMs })
    if (isMember || this.#ended.signal.aborted) return
    this.#lose()
    await this.#enter(this.#ended.signal)
  }

  /** Inside a transaction, so that whoever is found dead has certainly not beaten since. */
  #beatNow(): boolean {
    if (!this.#group.beat(this.#memberId)) return false
    const others = this.#group.signs().filter(({ memberId }) => memberId !== this.#memberId)
    const dead = this.#watch.look(others, performance.now())
    if (dead.length > 0) this.#group.remove(dead)
    return true
  }

  #missed(error: unknown): void {
    const { group, log } = this.#membership
    if (ServiceError.is(error) && error.code === 'unavailable')
      log.warn({ group, err: error }, 'the queue file could not be written for a heartbeat; tries again')
    else if (!this.#ended.signal.aborted) this.fail(error)
  }

  /** Others have taken this member for dead; the next heartbeat joins again. */
  #lose(): void {
    if (this.#memberId === 0) return
    this.#memberId = 0
    for (const [logId, partition] of this.#owned) this.#drop(logId, partition)
    if (this.#state !== 'assigned' && this.#state !== 'joining') return
    this.#state = 'joining'
    const { group, log } = this.#membership
    log.warn({ group }, 'others took this member of the consumer group for dead; joins again')
  }

  async #leave(): Promise<void> {
    if (this.#state !== 'failed') this.#state = 'draining'
    await giveUp([...this.#owned.values()], this.#cut.signal)
    this.#ended.abort()
    this.#queue.unobserve(this)
    this.#owned.clear()
    await this.#queue.writer
      .push(() => this.#group.remove([this.#memberId]), { timeoutMs: leaveTimeoutMs })
      .catch(() => undefined)
    this.#state = 'left'
  }
}

/** After so many heartbeats without one this member has not watched the others. A guess. */
const watchedIntervalCount = 3
/** Bounds a commit; the next one covers it. A guess. */
const commitTimeoutMs = 4_000
/** Bounds leaving a group whose file is locked; the others then notice that this member is gone. A guess. */
const leaveTimeoutMs = 2_000
