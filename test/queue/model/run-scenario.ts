import { ServiceError } from '@tenon/core'
import type { MessageOrder } from '@tenon/core/contract'
import { deadLetterTopic, type PartitionProgress, type QueueDriver, type QueueOptions } from '@tenon/transport-queue'
import type { CrashPoint } from './crash-point.ts'
import { MemoryJournal, type MessageName, type Place } from './journal.ts'
import { type FinalState, judge, type Rule, type Verdict } from './judge.ts'
import {
  assignmentHeader,
  group,
  headersOf,
  type LoggedMessage,
  type PlannedMessage,
  toLogged,
  toRecord,
} from './message.ts'
import { ModelMember, type Plant } from './model-member.ts'
import {
  type Happening,
  longDelayMs,
  MessageNumbers,
  type MessageSketch,
  type Scenario,
  type Step,
  topics,
} from './scenario.ts'
import { during, readTopic, type World } from './world.ts'

export interface RunVerdict extends Omit<Verdict, 'violations'> {
  readonly violations: readonly { readonly rule: Rule | 'stuck' | 'failed'; readonly text: string }[]
  readonly journal: MemoryJournal
}

export interface RunOptions {
  /** @defaultValue no mistake */
  readonly plant?: Plant
  /** Where a member dies by itself, and another one comes in its place. @defaultValue nowhere */
  readonly crash?: CrashPoint
}

/** Plays a scenario to its end, lets everything that is left be handled with nothing going wrong any more, and judges it. */
export async function runScenario(scenario: Scenario, world: World, options: RunOptions = {}): Promise<RunVerdict> {
  const run = new ScenarioRun(scenario, world, options)
  await run.play()
  return run.verdict()
}

class ScenarioRun {
  readonly #scenario: Scenario
  readonly #world: World
  readonly #options: RunOptions
  readonly #journal = new MemoryJournal()
  readonly #numbers = new MessageNumbers()
  readonly #pending = new Set<Promise<void>>()
  readonly #problems: { readonly rule: 'stuck' | 'failed'; readonly text: string }[] = []
  /** Messages that were sent, and of those the ones that do not fail any more. */
  readonly #sent = new Set<string>()
  #cured: ReadonlySet<string> = new Set()
  #members: readonly ModelMember[] = []
  #memberCount = 0
  #producer: QueueDriver | undefined

  constructor(scenario: Scenario, world: World, options: RunOptions) {
    this.#scenario = scenario
    this.#world = world
    this.#options = options
  }

  async play(): Promise<void> {
    const { memberCount, steps, partitionCount } = this.#scenario
    const producer = await this.#world.open()
    this.#producer = producer
    const all = [...topics, ...topics.map((topic) => deadLetterTopic(topic, group))]
    await producer.ensureTopics(all.map((topic) => ({ topic, partitionCount })))
    for (let count = 0; count < memberCount; count++) await this.#join()
    for (const step of steps) {
      await this.#take(step)
      await this.#world.pass(step.thenMs)
    }
    await this.#settle()
  }

  async verdict(): Promise<RunVerdict> {
    const verdict = judge(this.#journal.facts, await this.#finalState())
    return { ...verdict, violations: [...this.#problems, ...verdict.violations], journal: this.#journal }
  }

  async #take(step: Step): Promise<void> {
    this.#journal.add({ is: 'step', text: step.do })
    if (step.do === 'send') return this.#send(step.messages)
    if (!('member' in step)) return this.#happen(step)
    const member = this.#members[step.member % Math.max(1, this.#members.length)]
    if (member === undefined) return
    if (step.do === 'evict') return this.#world.evict(member.driver, step.noticedAfterMs)
    this.#forget(member)
    if (step.do === 'leave') return this.#watch(member.leave())
    member.kill()
    this.#world.kill(member.driver)
  }

  #forget(member: ModelMember): void {
    this.#members = this.#members.filter((other) => other !== member)
  }

  /** Where it has not been asked to leave, another one comes in its place. */
  #replace(member: ModelMember): void {
    this.#world.kill(member.driver)
    if (!this.#members.includes(member)) return
    this.#forget(member)
    this.#watch(this.#join())
  }

  async #happen(step: Happening): Promise<void> {
    if (step.do === 'stop broker') this.#world.stopBroker()
    else if (step.do === 'start broker') this.#world.startBroker()
    else if (step.do === 'release') await this.#release()
    else if (this.#members.length < mostMembers) await this.#join()
  }

  #send(sketches: readonly MessageSketch[]): void {
    for (const sketch of sketches) this.#watch(this.#sendOne(this.#numbers.name(sketch)))
  }

  async #sendOne(message: PlannedMessage): Promise<void> {
    const { key, number } = message
    this.#journal.add({ is: 'sent', key, number })
    this.#sent.add(nameOf(message))
    try {
      await this.#producer?.produce([toRecord(message)], { timeoutMs: 2_000 })
      this.#journal.add({ is: 'acknowledged', key, number })
    } catch {
      // Nothing was promised then; the log shows whether the message arrived.
    }
  }

  /** What is halted has no end of its own. */
  async #release(): Promise<void> {
    this.#cured = new Set(this.#sent)
    for (const member of this.#members) {
      const count = await member.retryHalted()
      if (count > 0) this.#journal.add({ is: 'released', member: member.name, count })
    }
  }

  async #join(): Promise<void> {
    const driver = await this.#world.open()
    const { plant = {}, crash } = this.#options
    const member: ModelMember = new ModelMember(driver, {
      name: `m${this.#memberCount + 1}`,
      journal: this.#journal,
      settings: this.#settings(),
      plant,
      crash,
      crashed: () => this.#replace(member),
      fail: (error) => this.#failed(error),
      isCured: (message) => this.#cured.has(nameOf(message)),
    })
    this.#memberCount += 1
    this.#members = [...this.#members, member]
    this.#watch(member.start())
  }

  #settings(): Omit<QueueOptions, 'driver'> {
    const { concurrency, commitIntervalMs, maxUncommittedCount, partitionCount, orders } = this.#scenario
    const { maxAttemptCount, isHalting } = this.#scenario
    const onExhausted = isHalting ? 'halt-key' : 'continue'
    const order = orders[this.#memberCount % orders.length] ?? orders[0]
    const retry = { maxAttemptCount, initialDelayMs: 10, maxDelayMs: longDelayMs, order, onExhausted } as const
    const { maxHandlerMs } = this.#world
    const bounds = { maxHandlerMs, requestTimeoutMs: 2_000, joinTimeoutMs: 60_000 }
    return { concurrency, commitIntervalMs, maxUncommittedCount, partitionCount, retry, ...bounds, random: () => 1 }
  }

  /** Nothing goes wrong any more on purpose. */
  async #settle(): Promise<void> {
    this.#journal.add({ is: 'step', text: 'settle' })
    this.#world.startBroker()
    if (this.#members.length === 0) await this.#join()
    try {
      await during(this.#allDone(), this.#world, 'handling all that is left')
      const members = this.#members
      this.#members = []
      for (const member of members) this.#watch(member.leave())
      await during(Promise.all(this.#pending), this.#world, 'leaving')
    } catch (error) {
      this.#problems.push({ rule: 'stuck', text: String(error) })
    }
  }

  async #allDone(): Promise<void> {
    await Promise.all(this.#pending)
    while (!(await this.#hasNoLag())) {
      if (this.#scenario.isHalting) await this.#release()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async #hasNoLag(): Promise<boolean> {
    for (const topic of topics) {
      const own = await this.#progressOf(topic)
      if (own === undefined || !own.every(isCommitted)) return false
      const aside = await this.#progressOf(`${topic}.retry.${group}`)
      if (aside === undefined) return false
      for (const left of aside) if (!isCommitted(left) && !(await this.#isStray(topic, left))) return false
    }
    return true
  }

  /** Whether all that is not committed of a retry topic was stored by fenced owners since the last owner began: that one need not read it. */
  async #isStray(topic: string, { partition, committedOffset = 0 }: PartitionProgress): Promise<boolean> {
    const place = `${topic}/${partition}`
    const last = this.#journal.facts.findLast((fact) => fact.is === 'assigned' && fact.place === place)
    if (last?.is !== 'assigned') return false
    const range = { topic: `${topic}.retry.${group}`, partition, fromOffset: committedOffset }
    try {
      for await (const records of this.#producer?.read(range, { timeoutMs: 2_000 }) ?? [])
        for (const record of records) {
          const assignment = headersOf(record)[assignmentHeader] ?? last.assignment
          if (assignment === last.assignment || record.timestampAt <= last.at) return false
        }
      return true
    } catch (error) {
      if (ServiceError.is(error) && error.code === 'unavailable') return false
      throw error
    }
  }

  /** Nothing where the topic is not there, as one is that nothing was set aside in; undefined when nobody answered. */
  async #progressOf(topic: string): Promise<readonly PartitionProgress[] | undefined> {
    try {
      return (await this.#producer?.describe(topic, group)) ?? []
    } catch (error) {
      if (ServiceError.is(error) && error.code === 'not_found') return []
      if (ServiceError.is(error) && error.code === 'unavailable') return undefined
      throw error
    }
  }

  async #finalState(): Promise<FinalState> {
    const { maxUncommittedCount, maxAttemptCount, orders, isHalting, flowBoundMs } = this.#scenario
    const log = new Map<Place, readonly LoggedMessage[]>()
    const letters: string[] = []
    for (const topic of topics) {
      const records = await this.#read(topic)
      const logged = Map.groupBy(records, ({ partition }) => `${topic}/${partition}`)
      for (const [place, found] of logged)
        log.set(
          place,
          found.map((record) => toLogged(record, isHalting ? Number.POSITIVE_INFINITY : maxAttemptCount)),
        )
      for (const letter of await this.#read(deadLetterTopic(topic, group))) {
        const headers = headersOf(letter)
        letters.push(`${topic}/${headers['tenon-source-partition']}@${headers['tenon-source-offset']}`)
      }
    }
    return { log, letters, maxUncommittedCount, order: keptBy(orders), flowBoundMs }
  }

  async #read(topic: string) {
    if (this.#producer === undefined) return []
    return during(readTopic(this.#producer, topic), this.#world, `reading ${topic}`)
  }

  /** What is awaited before everything is over; a failure of it is one of the run. */
  #watch(work: Promise<void>): void {
    const watched = work.catch((error: unknown) => this.#failed(error)).finally(() => this.#pending.delete(watched))
    this.#pending.add(watched)
  }

  #failed(error: unknown): void {
    this.#problems.push({
      rule: 'failed',
      text: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
}

function isCommitted({ nextOffset, committedOffset = 0 }: PartitionProgress): boolean {
  return committedOffset >= nextOffset
}

function nameOf({ key, number }: MessageName): string {
  return `${key} ${number}`
}

/** What is left of the order where members go by different ones. */
function keptBy(orders: readonly MessageOrder[]): MessageOrder {
  if (orders.includes('none')) return 'none'
  return orders.includes('key') ? 'key' : 'partition'
}

const mostMembers = 4
