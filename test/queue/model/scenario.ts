import fc from 'fast-check'
import type { MessageOrder } from '@tenon/core/contract'
import type { MessagePlan, PlannedMessage } from './message.ts'

/** What happens in a run, step by step; each step is followed by some time. */
export interface Scenario {
  readonly partitionCount: number
  readonly concurrency: number
  readonly commitIntervalMs: number
  readonly maxUncommittedCount: number
  readonly maxAttemptCount: number
  /** How many members there are at first. */
  readonly memberCount: number
  /** What members go by, one after another as they join and round and round. */
  readonly orders: readonly [MessageOrder, ...MessageOrder[]]
  readonly faults: FaultPlan
  readonly steps: readonly Step[]
  /** How often questions and steps of a reading go wrong by chance, in hundredths. */
  readonly readFailurePercent: number
  /** Whether messages whose attempts are used up are halted, and no dead letters. */
  readonly isHalting: boolean
  /** Of histories in which nothing else goes wrong: how long one key that fails may hold up others. @defaultValue not judged */
  readonly flowBoundMs?: number
}

/** How often requests go wrong by chance, in hundredths. */
export interface FaultPlan {
  readonly seed: number
  readonly produceFailurePercent: number
  readonly commitFailurePercent: number
  readonly maxLatencyMs: number
}

export type Step = { readonly thenMs: number } & (Sending | Leaving | Evicting | Happening)

interface Sending {
  readonly do: 'send'
  readonly messages: readonly MessageSketch[]
}

interface Leaving {
  readonly do: 'leave' | 'kill'
  /** Counts those that are there, round and round. */
  readonly member: number
}

interface Evicting {
  readonly do: 'evict'
  readonly member: number
  readonly noticedAfterMs: number
}

export interface Happening {
  readonly do: 'join' | 'stop broker' | 'start broker' | 'release'
}

/** A message before it is numbered. */
export interface MessageSketch {
  readonly topic: number
  /** -1 for none. */
  readonly key: number
  readonly plan: MessagePlan
}

export const topics = ['model.first.v1', 'model.second.v1'] as const

/** How long a handler may take where some overrun. Those take at most twice as long, as the order of keys allows. */
export const overrunFromMs = 400

/** How long the longest wait of a message is: it is set aside though there is room. */
export const longDelayMs = 12_000

const duration = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30, max: 250 }) },
)

const plans: readonly fc.WeightedArbitrary<MessagePlan>[] = [
  { weight: 10, arbitrary: fc.record({ durationMs: duration }) },
  {
    weight: 3,
    arbitrary: fc.record({
      durationMs: duration,
      failureCount: fc.integer({ min: 1, max: 4 }),
      code: fc.constantFrom('internal' as const, 'unavailable' as const, 'invalid_argument' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ durationMs: duration, isDeaf: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.constant({ durationMs: 0, isGarbage: true }) },
]

const overrun: fc.WeightedArbitrary<MessagePlan> = {
  weight: 1,
  arbitrary: fc.record({ durationMs: fc.constant(0), overrunMs: fc.integer({ min: 1, max: 300 }) }),
}

const thenMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 400 }))
const member = fc.nat(7)

const comingAndGoing: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), thenMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'kill' as const), member, thenMs }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('stop broker' as const, 'start broker' as const), thenMs }),
  },
]

const evict: fc.WeightedArbitrary<Step> = {
  weight: 1,
  arbitrary: fc.record({ do: fc.constant('evict' as const), member, noticedAfterMs: fc.nat(300), thenMs }),
}

/** What was sent so far does not fail any more, and what is halted of it gets its attempts anew. */
const release: fc.WeightedArbitrary<Step> = {
  weight: 1,
  arbitrary: fc.record({ do: fc.constant('release' as const), thenMs }),
}

/** Fails once, and asks for a long wait. */
const isAskingForLong: fc.WeightedArbitrary<MessagePlan> = {
  weight: 1,
  arbitrary: fc.record({
    durationMs: duration,
    failureCount: fc.constant(1),
    code: fc.constant('unavailable' as const),
    retryDelayMs: fc.constantFrom(0, 0, 0, longDelayMs),
  }),
}

/** What is sent: several messages at a time, none waiting for the answer of another. */
function sending(isOnFakeClock: boolean): fc.WeightedArbitrary<Step> {
  const message: fc.Arbitrary<MessageSketch> = fc.record({
    topic: fc.nat(topics.length - 1),
    key: fc.integer({ min: -1, max: 5 }),
    plan: fc.oneof(...plans, ...(isOnFakeClock ? [overrun, isAskingForLong] : [])),
  })
  const messages = fc.array(message, { minLength: 1, maxLength: 25 })
  return { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), messages, thenMs }) }
}

export interface ScenarioOptions {
  /** Of the transports. @defaultValue some small, some large */
  readonly windowCounts?: readonly number[]
  readonly maxStepCount: number
  /** @defaultValue `key` alone */
  readonly orders?: Scenario['orders']
  /** Whether members are taken for dead that are not. @defaultValue on a fake clock */
  readonly hasZombies?: boolean
  /** @defaultValue false */
  readonly isHalting?: boolean
  /** Whether time is under control, so that handlers may overrun, and whether members can be taken for dead. */
  readonly isOnFakeClock: boolean
}

/** Histories of a group: what is sent, who comes and goes, and what goes wrong. */
export function scenarios({
  maxStepCount,
  isOnFakeClock,
  windowCounts = [1, 5, 1_000],
  orders = ['key'],
  hasZombies = isOnFakeClock,
  isHalting = false,
}: ScenarioOptions): fc.Arbitrary<Scenario> {
  const some = [...(hasZombies ? [evict] : []), ...(isHalting ? [release] : [])]
  const step = fc.oneof(sending(isOnFakeClock), ...comingAndGoing, ...some)
  return fc.record({
    partitionCount: fc.integer({ min: 1, max: 4 }),
    concurrency: fc.constantFrom(1, 2, 16),
    commitIntervalMs: fc.constantFrom(0, 20, 100),
    maxUncommittedCount: fc.constantFrom(...windowCounts),
    maxAttemptCount: fc.integer({ min: 1, max: 4 }),
    memberCount: fc.integer({ min: 1, max: 3 }),
    orders: fc.constant(orders),
    faults: fc.record({
      seed: fc.nat(2 ** 31 - 1),
      produceFailurePercent: fc.constantFrom(0, 0, 10, 40),
      commitFailurePercent: fc.constantFrom(0, 0, 10, 40),
      maxLatencyMs: fc.constantFrom(0, 0, 5, 30),
    }),
    steps: fc.array(step, { minLength: 4, maxLength: maxStepCount, size: 'max' }),
    readFailurePercent: fc.constantFrom(0, 0, 10, 40),
    isHalting: fc.constant(isHalting),
  })
}

/**
 * Histories in which nothing goes wrong but one key of each topic, which waits for long each time it fails. So others go on, however many of it follow: what
 * they take themselves is less than two seconds, and another is over until the first that fails is set aside.
 */
export function calmScenarios(): fc.Arbitrary<Scenario> {
  const good = fc.record({ durationMs: fc.integer({ min: 0, max: 20 }) })
  const failing = fc.record({
    durationMs: fc.constant(0),
    failureCount: fc.constant(1),
    code: fc.constant('unavailable' as const),
    retryDelayMs: fc.constant(longDelayMs),
  })
  const topic = fc.nat(topics.length - 1)
  const other: fc.Arbitrary<MessageSketch> = fc.record({ topic, key: fc.integer({ min: -1, max: 4 }), plan: good })
  const poison: fc.Arbitrary<MessageSketch> = fc.record({
    topic,
    key: fc.constant(5),
    plan: fc.oneof({ weight: 5, arbitrary: good }, { weight: 1, arbitrary: failing }),
  })
  const messages = fc.array(fc.oneof(other, poison, poison, poison), { minLength: 1, maxLength: 25, size: 'max' })
  const step = fc.record({ do: fc.constant('send' as const), messages, thenMs: fc.integer({ min: 0, max: 4_000 }) })
  return fc.record({
    partitionCount: fc.integer({ min: 1, max: 2 }),
    concurrency: fc.constant(16),
    commitIntervalMs: fc.constantFrom(0, 20, 100),
    maxUncommittedCount: fc.constantFrom(5, 10, 1_000),
    maxAttemptCount: fc.constant(4),
    memberCount: fc.constant(1),
    orders: fc.constant(['key'] as const),
    faults: fc.constant({ seed: 1, produceFailurePercent: 0, commitFailurePercent: 0, maxLatencyMs: 0 }),
    steps: fc.array(step, { minLength: 2, maxLength: 6, size: 'max' }),
    readFailurePercent: fc.constant(0),
    isHalting: fc.boolean(),
    flowBoundMs: fc.constant(5_000),
  })
}

/** Numbers the messages of each key in the order in which they are sent. */
export class MessageNumbers {
  readonly #next = new Map<string, number>()

  name({ topic, key, plan }: MessageSketch): PlannedMessage {
    const name = `${topic}-${key === -1 ? 'none' : `k${key}`}`
    const number = this.#next.get(name) ?? 0
    this.#next.set(name, number + 1)
    return { topic: topics[topic] ?? topics[0], key: name, number, isKeyed: key !== -1, plan }
  }
}
