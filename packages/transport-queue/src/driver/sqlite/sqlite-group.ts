import type { SqliteDatabase } from '../sqlite-file/sqlite-database.ts'
import type { MemberSign, ProcessPlace } from './sqlite-liveness.ts'
import type { LogPlace } from './sqlite-log.ts'
import { planAssignment } from './sqlite-plan.ts'

/** What a group knows of a partition: whose it is, and whose it is to be. */
export interface Claim extends LogPlace {
  readonly ownerId: number | null
  readonly heirId: number | null
  /** Another number for every owner. */
  readonly generation: number
  /** Where its owner begins. */
  readonly nextOffset: number
  /** Where it would begin if the records were still there; null when nothing was committed. */
  readonly committedOffset: number | null
}

/** What a member brings when it joins. */
export interface JoiningMember extends ProcessPlace {
  readonly topics: readonly string[]
  /** Offsets of the partitions of topics, in their order, at which the group begins that has committed nothing of a topic. */
  readonly starts?: ReadonlyMap<string, readonly number[]>
  readonly sessionTimeoutMs: number
}

/** Who holds a partition, in which generation of it. */
export type Holding = Pick<Claim, 'logId' | 'generation'> & { readonly memberId: number }

/** Up to where a partition is done with: the one that is held, or one that goes with it. */
export interface DoneOffset {
  readonly logId: number
  readonly nextOffset: number
}

/** A group in the file. Everything but reading is called inside a transaction. */
export class SqliteGroup {
  readonly #database: SqliteDatabase
  readonly #groupId: number

  constructor(database: SqliteDatabase, groupId: number) {
    this.#database = database
    this.#groupId = groupId
  }

  /** The number of a group, which is created if need be. */
  static create(database: SqliteDatabase, name: string): number {
    database.statement('INSERT INTO consumer_group (name) VALUES (?) ON CONFLICT DO NOTHING').run(name)
    const select = database.statement<{ readonly group_id: number }>(
      'SELECT group_id FROM consumer_group WHERE name = ?',
    )
    return select.get(name)?.group_id ?? 0
  }

  /** Another number whenever claims or members have changed. */
  version(): number {
    const select = 'SELECT version FROM consumer_group WHERE group_id = ?'
    return this.#database.statement<{ readonly version: number }>(select).get(this.#groupId)?.version ?? 0
  }

  /** The number of the new member. */
  join({ topics, starts = new Map(), sessionTimeoutMs, space, processId }: JoiningMember): number {
    const insert = this.#database.statement<{ readonly member_id: number }>(insertMember)
    const values = [this.#groupId, JSON.stringify(topics), sessionTimeoutMs, space, processId]
    const memberId = insert.get(...values)?.member_id ?? 0
    for (const [topic, offsets] of starts) this.#commitStart(topic, offsets)
    this.#plan()
    return memberId
  }

  /** Says that a member lives. False when others have taken it for dead. */
  beat(memberId: number): boolean {
    return this.#database.statement('UPDATE member SET beat = beat + 1 WHERE member_id = ?').run(memberId) > 0
  }

  signs(): readonly MemberSign[] {
    const rows = this.#database.statement<MemberRow>(selectMembers).all(this.#groupId)
    return rows.map((row) => ({
      memberId: row.member_id,
      beat: row.beat,
      sessionTimeoutMs: row.session_timeout_ms,
      space: row.process_space,
      processId: row.process_id,
    }))
  }

  /** Takes members out; what they held goes to others at once. */
  remove(memberIds: readonly number[]): void {
    const statement = this.#database.statement('DELETE FROM member WHERE member_id = ?')
    const removed = memberIds.reduce((count, memberId) => count + statement.run(memberId), 0)
    if (removed > 0) this.#plan()
  }

  /** What a member owns or is to own; undefined when it is no member any more. */
  claimsOf(memberId: number): readonly Claim[] | undefined {
    const rows = this.#database.statement<ClaimRow>(selectClaims).all(this.#groupId, memberId)
    if (rows.length === 0 && !this.#isMember(memberId)) return undefined
    return rows.map((row) => ({
      logId: row.log_id,
      topic: row.topic,
      partition: row.partition,
      ownerId: row.owner_id,
      heirId: row.heir_id,
      generation: row.generation,
      nextOffset: row.next_offset,
      committedOffset: row.committed_offset,
    }))
  }

  /** Hands a partition to whoever is to own it. */
  release({ memberId, logId, generation }: Holding): void {
    const changed = this.#database.statement(handOver).run(this.#groupId, logId, memberId, generation)
    if (changed > 0) this.#announce()
  }

  /** False, with nothing stored, for whoever does not own the partition in this generation. */
  commit({ memberId, logId, generation }: Holding, done: DoneOffset): boolean {
    const statement = this.#database.statement(storeOffset)
    return statement.run(this.#groupId, logId, memberId, generation, done.logId, done.nextOffset) > 0
  }

  #commitStart(topic: string, offsets: readonly number[]): void {
    if (this.#database.statement(selectCommits).get(this.#groupId, topic) !== undefined) return
    const store = this.#database.statement(storeStart)
    for (const [partition, offset] of offsets.entries()) store.run(this.#groupId, offset, topic, partition)
  }

  #isMember(memberId: number): boolean {
    return this.#database.statement('SELECT 1 FROM member WHERE member_id = ?').get(memberId) !== undefined
  }

  /** Decides anew who is to own what; partitions without an owner go to their heirs at once. */
  #plan(): void {
    const rows = this.#database.statement<MemberRow>(selectMembers).all(this.#groupId)
    const members = rows.map((row) => ({ memberId: row.member_id, topics: topicsOf(row) }))
    const insert = this.#database.statement(insertClaims)
    for (const topic of new Set(members.flatMap(({ topics }) => [...topics]))) insert.run(this.#groupId, topic)
    this.#database.statement(forgetDead).run(this.#groupId)
    const planned = this.#database.statement<PlannedRow>(selectPlanned).all(this.#groupId)
    const partitions = planned.map((row) => ({ logId: row.log_id, topic: row.topic, holderId: row.holder_id }))
    const update = this.#database.statement('UPDATE claim SET heir_id = ? WHERE group_id = ? AND log_id = ?')
    for (const [logId, heirId] of planAssignment(members, partitions)) update.run(heirId, this.#groupId, logId)
    this.#database.statement(giveOrphans).run(this.#groupId)
    this.#announce()
  }

  #announce(): void {
    this.#database.statement('UPDATE consumer_group SET version = version + 1 WHERE group_id = ?').run(this.#groupId)
  }
}

function topicsOf({ topics }: MemberRow): ReadonlySet<string> {
  const read: unknown = JSON.parse(topics)
  return new Set(Array.isArray(read) ? read.map(String) : [])
}

interface MemberRow {
  readonly member_id: number
  readonly topics: string
  readonly beat: number
  readonly session_timeout_ms: number
  readonly process_space: string
  readonly process_id: number
}

interface ClaimRow {
  readonly log_id: number
  readonly topic: string
  readonly partition: number
  readonly owner_id: number | null
  readonly heir_id: number | null
  readonly generation: number
  readonly next_offset: number
  readonly committed_offset: number | null
}

interface PlannedRow {
  readonly log_id: number
  readonly topic: string
  readonly holder_id: number | null
}

const selectCommits = `
  SELECT 1 FROM claim JOIN log USING (log_id) JOIN topic USING (topic_id)
  WHERE claim.group_id = ? AND topic.name = ? AND claim.next_offset IS NOT NULL`

const storeStart = `
  INSERT INTO claim (group_id, log_id, next_offset)
  SELECT ?1, log_id, ?2 FROM log JOIN topic USING (topic_id) WHERE topic.name = ?3 AND log.partition = ?4
  ON CONFLICT (group_id, log_id) DO UPDATE SET next_offset = excluded.next_offset`

const insertMember = `
  INSERT INTO member (group_id, topics, session_timeout_ms, process_space, process_id) VALUES (?, ?, ?, ?, ?)
  RETURNING member_id`

const selectMembers = 'SELECT * FROM member WHERE group_id = ? ORDER BY member_id'

const selectClaims = `
  SELECT claim.log_id, topic.name AS topic, log.partition, owner_id, heir_id, generation,
    max(coalesce(claim.next_offset, 0), log.first_offset) AS next_offset, claim.next_offset AS committed_offset
  FROM claim JOIN log USING (log_id) JOIN topic USING (topic_id)
  WHERE claim.group_id = ?1 AND (owner_id = ?2 OR heir_id = ?2)
  ORDER BY claim.log_id`

const insertClaims = `
  INSERT INTO claim (group_id, log_id) SELECT ?, log_id FROM log JOIN topic USING (topic_id) WHERE topic.name = ?
  ON CONFLICT DO NOTHING`

const forgetDead = `
  UPDATE claim SET owner_id = NULL, generation = generation + 1
  WHERE group_id = ? AND owner_id NOT IN (SELECT member_id FROM member)`

const selectPlanned = `
  SELECT claim.log_id, topic.name AS topic, coalesce(owner_id, heir_id) AS holder_id
  FROM claim JOIN log USING (log_id) JOIN topic USING (topic_id) WHERE claim.group_id = ?
  ORDER BY log.partition, claim.log_id`

const giveOrphans = `
  UPDATE claim SET owner_id = heir_id, generation = generation + 1
  WHERE group_id = ? AND owner_id IS NULL AND heir_id IS NOT NULL`

const handOver = `
  UPDATE claim SET owner_id = heir_id, generation = generation + 1
  WHERE group_id = ? AND log_id = ? AND owner_id = ? AND generation = ?`

/** A claim that is made here is nobody's: it only keeps the offset. */
const storeOffset = `
  INSERT INTO claim (group_id, log_id, next_offset)
  SELECT group_id, ?5, ?6 FROM claim WHERE group_id = ?1 AND log_id = ?2 AND owner_id = ?3 AND generation = ?4
  ON CONFLICT (group_id, log_id) DO UPDATE SET next_offset = excluded.next_offset`
