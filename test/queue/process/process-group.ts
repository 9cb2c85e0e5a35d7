import { once } from 'node:events'
import { join } from 'node:path'
import { ServiceError } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { deadLetterTopic, type QueueDriver } from '@tenon/transport-queue'
import { FileJournal } from '../model/file-journal.ts'
import { type AsideMessage, toAside } from '../model/aside-message.ts'
import { judge, type Verdict } from '../model/judge.ts'
import { headersOf, toLogged } from '../model/message.ts'
import { readTopic } from '../model/world.ts'
import { type OwnProcess, runFile } from '../../support/own-process.ts'
import { type BrokerPlace, type InstancePlant, maxAttemptCount, toEnvironment } from './instance-environment.ts'
import { type Load, type LoadOptions, startLoad } from './load.ts'
import { openDriver } from './process-broker.ts'

/** A member in a process of its own. */
export interface GroupMember {
  readonly name: string
  readonly process: OwnProcess
}

export interface ProcessGroupOptions {
  readonly broker: BrokerPlace
  /** Where the journal is written. */
  readonly folder: string
  /** Part of the names of topic and group. */
  readonly prefix: string
  /** How much of a partition each member may have handled and not committed. @defaultValue 20, less than comes while a broker is away, or nothing would show */
  readonly maxUncommittedCount?: number
  /** A mistake that all members make, to see it found. @defaultValue none */
  readonly plant?: InstancePlant
}

/** A group whose members are processes, the producer that keeps them busy, and what they write down. */
export class ProcessGroup implements AsyncDisposable {
  readonly journal: FileJournal
  readonly #options: ProcessGroupOptions
  readonly #journalPath: string
  readonly #topic: string
  readonly #group: string
  readonly #driver: QueueDriver
  readonly #maxUncommittedCount: number
  #members: readonly GroupMember[] = []
  #memberCount = 0

  static async open(options: ProcessGroupOptions): Promise<ProcessGroup> {
    const group = new ProcessGroup(options)
    await group.#connect()
    return group
  }

  private constructor(options: ProcessGroupOptions) {
    this.#options = options
    this.#maxUncommittedCount = options.maxUncommittedCount ?? 20
    this.#topic = `${options.prefix}.topic`
    this.#group = `${options.prefix}-group`
    this.#journalPath = join(options.folder, 'journal')
    this.journal = new FileJournal(this.#journalPath)
    this.#driver = openDriver(options.broker)
  }

  get members(): readonly GroupMember[] {
    return this.#members
  }

  startLoad(perSecond: number, planOf?: LoadOptions['planOf']): Load {
    return startLoad(this.#driver, { topic: this.#topic, journal: this.journal, perSecond, planOf })
  }

  /** Starts a member and waits until it is ready. */
  async add(): Promise<GroupMember> {
    const member = `p${++this.#memberCount}`
    const [journalPath, topic, group] = [this.#journalPath, this.#topic, this.#group]
    const { broker, plant } = this.#options
    const maxUncommittedCount = this.#maxUncommittedCount
    const instance = { member, journalPath, topic, group, broker, maxUncommittedCount, plant }
    const process = runFile('test/queue/fixture/consumer-service.ts', toEnvironment(instance))
    const added = { name: member, process }
    this.#members = [...this.#members, added]
    const early = process.ended.then((code) =>
      Promise.reject(new Error(`${member} ended with ${code}: ${process.output()}`)),
    )
    await Promise.race([once(process.child, 'message'), early])
    return added
  }

  /** Lets a member leave in good order. @throws Error when it did not end with 0 */
  async stop({ name, process }: GroupMember): Promise<void> {
    this.#forget(name)
    process.child.kill('SIGTERM')
    const code = await process.ended
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${process.output()}`)
  }

  async kill({ name, process }: GroupMember): Promise<void> {
    this.#forget(name)
    process.child.kill('SIGKILL')
    await process.ended
    this.journal.add({ is: 'died', member: name })
  }

  /** How many messages have had their effect. */
  effectCount(): number {
    return this.journal.read().filter(({ is }) => is === 'effect').length
  }

  /** Waits until so many more messages have had their effect. */
  async handled(count: number): Promise<void> {
    const enough = this.effectCount() + count
    await this.#until(() => this.effectCount() >= enough, `${enough} messages were handled`)
  }

  /** Waits until so many messages are set aside and have had no effect yet. */
  async setAside(count: number): Promise<void> {
    await this.#until(() => this.#asideCount() >= count, `${count} messages were set aside at a time`)
  }

  /** Waits until others own what a member owned when this was called. */
  async othersOwn(name: string): Promise<void> {
    const taken = [...this.#owners()].filter(([, owner]) => owner === name).map(([place]) => place)
    await this.#until(
      () => {
        const owners = this.#owners()
        return taken.every((place) => owners.get(place) !== name)
      },
      `others own ${taken.join(', ')}`,
    )
  }

  /** Waits until a member is given a partition from now on. */
  async ownsAgain(name: string): Promise<void> {
    const assignedCount = () =>
      this.journal.read().filter((fact) => fact.is === 'assigned' && fact.member === name).length
    const before = assignedCount()
    await this.#until(() => assignedCount() > before, `${name} owns something again`)
  }

  /** Waits until everything is committed, lets all members leave, and judges what they did. */
  async finish(): Promise<Verdict> {
    await eventually(() => this.#requireNoLag(), { timeoutMs: patienceMs, intervalMs: 100 })
    for (const member of this.#members) await this.stop(member)
    return this.judge()
  }

  /** Judges what has happened so far. What is not over yet is lost to it. */
  async judge(): Promise<Verdict> {
    const records = await readTopic(this.#driver, this.#topic)
    const logged = Map.groupBy(records, ({ partition }) => `${this.#topic}/${partition}`)
    const log = new Map(
      Array.from(logged, ([place, found]) => [place, found.map((record) => toLogged(record, maxAttemptCount))]),
    )
    const buried = await readTopic(this.#driver, deadLetterTopic(this.#topic, this.#group))
    const letters = buried.map((letter) => {
      const headers = headersOf(letter)
      return `${this.#topic}/${headers['tenon-source-partition']}@${headers['tenon-source-offset']}`
    })
    const maxUncommittedCount = this.#maxUncommittedCount
    return judge(this.journal.read(), { log, letters, aside: await this.#readAside(), maxUncommittedCount })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of this.#members) await process[Symbol.asyncDispose]()
    await this.#driver.close()
  }

  async #connect(): Promise<void> {
    await this.#driver.connect({ clientId: 'model' })
    const topics = [this.#topic, deadLetterTopic(this.#topic, this.#group)]
    await this.#driver.ensureTopics(topics.map((topic) => ({ topic, partitionCount: 6 })))
  }

  /** What lies in the retry topic, if there is one. */
  async #readAside(): Promise<readonly AsideMessage[]> {
    const topic = `${this.#topic}.retry.${this.#group}`
    const records = await readTopic(this.#driver, topic).catch(noneIfMissing)
    return records.flatMap((record) => toAside(record, this.#topic) ?? [])
  }

  /** The retry topic comes last: what is done with in the source by then is stored there, or has its outcome. */
  async #requireNoLag(): Promise<void> {
    await this.#requireCommitted(this.#topic)
    await this.#requireCommitted(`${this.#topic}.retry.${this.#group}`)
  }

  /** A topic that nobody has made yet holds nothing. */
  async #requireCommitted(topic: string): Promise<void> {
    const progress = await this.#driver.describe(topic, this.#group).catch(noneIfMissing)
    const open = progress.filter(({ nextOffset, committedOffset = 0 }) => committedOffset < nextOffset)
    if (open.length > 0) throw new Error(`not committed in ${topic}: ${JSON.stringify(open)}`)
  }

  /** Messages that are set aside and have had no effect yet. */
  #asideCount(): number {
    const aside = new Set<string>()
    for (const fact of this.journal.read())
      if (fact.is === 'parked') aside.add(`${fact.place}@${fact.offset}`)
      else if (fact.is === 'effect' || fact.is === 'buried') aside.delete(`${fact.place}@${fact.offset}`)
    return aside.size
  }

  /** The newest owner of each partition, by the names of members. */
  #owners(): ReadonlyMap<string, string> {
    const assigned = this.journal.read().flatMap((fact) => (fact.is === 'assigned' ? [fact] : []))
    return new Map(assigned.map(({ place, member }) => [place, member]))
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const check = () => {
      if (!holds()) throw new Error(`expected that ${what}; the members say:\n${this.#lastWords()}`)
    }
    await eventually(check, { timeoutMs: patienceMs, intervalMs: 50 })
  }

  #lastWords(): string {
    return this.#members.map(({ name, process }) => `${name}: ${process.output().slice(-wordCount)}`).join('\n')
  }

  #forget(name: string): void {
    this.#members = this.#members.filter((member) => member.name !== name)
  }
}

/** @throws unknown what is not about a topic that is missing */
function noneIfMissing(error: unknown): readonly never[] {
  if (ServiceError.is(error) && error.code === 'not_found') return []
  throw error
}

/** Longer than any broker takes to come back and any group to come to rest. */
const patienceMs = 90_000
/** Of what each member has printed, so much is told when a run fails. */
const wordCount = 2_000
