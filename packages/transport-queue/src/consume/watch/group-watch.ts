import type { Logger } from '@tenon/core/transport'
import type { MemberState } from '../../queue-driver.ts'
import type { QueueSettings } from '../../queue-options.ts'
import type { ConsumerPlan, TopicConsumer } from '../plan/consumer-plan.ts'
import type { Slots } from '../turn/slots.ts'
import { type BeginningPartition, BeginWatch } from './begin-watch.ts'
import { type JoinWait, JoinWatch, stuckText } from './join-watch.ts'
import { type StalledPartition, stallText } from './stall.ts'
import type { TopicLag } from './topic-lag.ts'
import { TopicWatch } from './topic-watch.ts'
import type { WatchedLoop } from './watched-loop.ts'

export interface GroupWatchSurroundings {
  readonly plan: ConsumerPlan
  /** What it does while it joins. */
  readonly wait: JoinWait
  readonly settings: Pick<QueueSettings, 'driver' | 'clock'>
  readonly log: Logger
  readonly lags: ReadonlyMap<string, TopicLag>
  readonly slots: ReadonlyMap<string, Pick<Slots, 'areTaken' | 'isHeld'>>
  /** What the driver says of the membership. */
  state(): MemberState
  /** Told when it may be ready, or is not any more, because of what is found here. */
  changed?(): void
}

/** Finds what stands still in a group, while this process is one of its members, or of a broadcast. */
export class GroupWatch {
  readonly #group: string | undefined
  readonly #wait: JoinWait
  readonly #topics: ReadonlyMap<string, TopicWatch>
  readonly #beginnings: ReadonlyMap<string, BeginWatch>
  readonly #join: JoinWatch
  readonly #state: () => MemberState
  readonly #clock: QueueSettings['clock']
  readonly #intervalMs: number
  #timer: NodeJS.Timeout | undefined
  #tickedAt = 0
  #isLooking = false

  constructor(surroundings: GroupWatchSurroundings) {
    const { plan, log, settings, lags } = surroundings
    const consumers = [...plan.consumers.values()]
    this.#topics = new Map(consumers.flatMap((consumer) => this.#watchOf(consumer, surroundings)))
    this.#beginnings = new Map(consumers.flatMap((consumer) => beginWatchOf(consumer, surroundings)))
    this.#state = surroundings.state
    this.#clock = settings.clock
    const stallsAfterMs = consumers.map((consumer) => consumer.settings.stallAfterMs)
    this.#intervalMs = Math.min(...stallsAfterMs) / 4
    const { group } = plan
    const { longestRebalanceMs = 0 } = settings.driver
    const graceMs = Math.max(...stallsAfterMs, leastJoinGraceMs, graceRebalanceCount * longestRebalanceMs)
    const [lag] = lags.values()
    this.#group = group
    this.#wait = surroundings.wait
    this.#join = new JoinWatch({
      group,
      wait: this.#wait,
      graceMs,
      clock: settings.clock,
      log,
      lag,
      isJoining: () => this.#state() === 'joining',
    })
  }

  /** Why it stands still, in words; nothing while all goes on. */
  get standstills(): readonly string[] {
    const { joiningSinceAt } = this
    if (joiningSinceAt !== undefined) return [stuckText(this.#wait, joiningSinceAt)]
    return [...this.#topics.keys()].flatMap((topic) =>
      this.stallsOf(topic).map((stall) => stallText(topic, this.#group, stall)),
    )
  }

  /** Which partitions have not begun for too long though their broker answers, in words. */
  get unbegun(): readonly string[] {
    return this.#state() === 'assigned' ? [...this.#beginnings.values()].flatMap(({ reasons }) => reasons) : []
  }

  /** Since when the group is not given its partitions, once that is too long; in epoch milliseconds. */
  get joiningSinceAt(): number | undefined {
    return this.#state() === 'joining' ? this.#join.stuckSinceAt : undefined
  }

  /** From now on looks at what is there, as seldom as that finds it in time. Safe to call twice. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#grace()
    this.#tickedAt = this.#clock.now()
    this.#timer = setInterval(() => this.#tick(), this.#intervalMs).unref()
  }

  /** Looks no more: what ends does not stand still. Safe to call twice. */
  stop(): void {
    clearInterval(this.#timer)
    this.#join.stop()
    for (const topic of this.#topics.values()) topic.grace()
  }

  /** A partition was given, and begins. */
  begins(topic: string, partition: BeginningPartition): void {
    this.#beginnings.get(topic)?.add(partition)
  }

  /** It has begun, or was given up. */
  hasBegun(topic: string, partition: BeginningPartition): void {
    this.#beginnings.get(topic)?.remove(partition)
  }

  add(loop: WatchedLoop): void {
    this.#topics.get(loop.partition.topic)?.add(loop)
  }

  remove(loop: WatchedLoop): void {
    this.#topics.get(loop.partition.topic)?.remove(loop)
  }

  /** What stands still of a topic; nothing while the group is being joined. */
  stallsOf(topic: string): readonly StalledPartition[] {
    return this.#state() === 'assigned' ? (this.#topics.get(topic)?.stalls ?? []) : []
  }

  #grace(): void {
    this.#join.grace()
    for (const one of [...this.#topics.values(), ...this.#beginnings.values()]) one.grace()
  }

  /** A process that stood still itself cannot say what would have come meanwhile, nor one whose clock was set back. */
  #tick(): void {
    const now = this.#clock.now()
    const passedMs = now - this.#tickedAt
    if (passedMs < 0 || passedMs > 2 * this.#intervalMs + busyMs) this.#grace()
    this.#tickedAt = now
    void this.#look()
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const watches = [...this.#topics.values(), ...this.#beginnings.values()]
      await Promise.all([this.#join.look(), ...watches.map((watch) => this.#lookAt(watch))])
    } finally {
      this.#isLooking = false
    }
  }

  async #lookAt(watch: Pick<TopicWatch, 'look' | 'grace'>): Promise<void> {
    if (this.#state() === 'assigned') await watch.look()
    else watch.grace()
  }

  #watchOf(consumer: TopicConsumer, surroundings: GroupWatchSurroundings): readonly (readonly [string, TopicWatch])[] {
    const { topic, handler } = consumer
    const lag = surroundings.lags.get(topic)
    const slots = surroundings.slots.get(handler)
    if (lag === undefined || slots === undefined) return []
    const siblings = () => this.#loopsOf(handler, surroundings.plan)
    const { log, settings } = surroundings
    const { driver, clock } = settings
    return [[topic, new TopicWatch({ consumer, driver, clock, log, lag, slots, siblings })]]
  }

  #loopsOf(handler: string, { consumers }: ConsumerPlan): readonly WatchedLoop[] {
    return [...this.#topics].flatMap(([topic, watch]) =>
      consumers.get(topic)?.handler === handler ? [...watch.loops] : [],
    )
  }
}

function beginWatchOf(
  { topic, group, settings }: TopicConsumer,
  { lags, settings: { clock }, log, changed = () => undefined }: GroupWatchSurroundings,
): readonly (readonly [string, BeginWatch])[] {
  const lag = lags.get(topic)
  const graceMs = settings.stallAfterMs
  return lag === undefined ? [] : [[topic, new BeginWatch({ topic, group, graceMs, clock, log, lag, changed })]]
}

/** Rebalances may follow one another, each as long as the slowest member takes. A guess: so many. */
const graceRebalanceCount = 5
/** Also where rebalances are short: as long as five of a minute. A guess. */
const leastJoinGraceMs = 300_000
/** A timer of a busy process may be late by as much. A guess. */
const busyMs = 1_000
