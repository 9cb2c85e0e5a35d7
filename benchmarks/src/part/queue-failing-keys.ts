import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import type { PoisonTurn } from '../server/queue-poison.ts'
import type { TurnResult } from '../server/queue-turn.ts'
import { orderOf, userCount } from '../server/queue-work.ts'
import { pairedRounds, spreadOf } from '../statistic.ts'
import { type PoisonRun, poisonProgram } from './poison-run.ts'
import { groupOf, startTurns, warmUpCount } from './queue-turns.ts'

/** A guess: well below what passes, so that messages wait for nothing but each other. */
const perSecond = 2_000
const sentCount = 12 * userCount
/** One second, in which the group finds its place and makes its retry topic. */
const leadCount = perSecond
const failingCount = userCount / 100
/** A turn takes 6 s when nothing stands still. */
const mostMs = 30_000
const mostLatencyRatio = 1.2

/** The latency of all others while each message of one key in a hundred fails at each attempt, and while none does. */
export async function measureFailingKeys(run: PoisonRun): Promise<readonly Figure[]> {
  const topic = `${run.topic}.paced`
  await using consumer = await startTurns(poisonProgram, topic, run.environment(topic))
  await using producer = run.driver === 'memory' ? undefined : await startProducer(run, topic)
  const turn = (isFailing: boolean) => () => play({ topic, isFailing }, { consumer, producer })
  for (let warmUp = 0; warmUp < warmUpCount; warmUp++) await turn(false)()
  const rounds = await pairedRounds(run.roundCount, { ours: turn(true), theirs: turn(false) })
  const title = `others of ${perSecond}/s`
  const [ours, theirs] = [rounds.map((round) => round.ours), rounds.map((round) => round.theirs)]
  return [
    { name: `${title}, no key fails`, unit: 'ms p50', spread: spreadOf(theirs.map(({ p50Ms }) => p50Ms)) },
    { name: `${title}, 1 % of keys fail`, unit: 'ms p50', spread: spreadOf(ours.map(({ p50Ms }) => p50Ms)) },
    { name: `${title}, no key fails`, unit: 'ms p99', spread: spreadOf(theirs.map(p99Of)) },
    { name: `${title}, 1 % of keys fail`, unit: 'ms p99', spread: spreadOf(ours.map(p99Of)) },
    {
      name: `p99 of the ${title}, 1 % of keys fail / none`,
      unit: '×',
      spread: spreadOf(rounds.map((round) => p99Of(round.ours) / p99Of(round.theirs))),
      target: mostLatencyRatio,
    },
  ]
}

/** On a core of its own. */
function startProducer(run: PoisonRun, topic: string): Promise<Child> {
  return Child.start('dist/server/queue-tenon-produce', { environment: run.environment(topic), core: 1 })
}

interface Programs {
  readonly consumer: Child
  /** None where the consumer sends for itself. */
  readonly producer: Child | undefined
}

/** A group that nobody had before reads what is published from now on. */
function play({ topic, isFailing }: { readonly topic: string; readonly isFailing: boolean }, programs: Programs) {
  const { consumer, producer } = programs
  const group = groupOf(topic)
  const turn: PoisonTurn = {
    topic,
    group,
    messageCount: countedCount,
    poisonedKeys,
    isFailing,
    initialDelayMs: 200,
    start: 'latest',
    sentCount,
    leadCount,
    mostMs,
    ...(producer === undefined && { perSecond }),
  }
  return consumer.turn(turn, async () => producer?.turn({ topic, group, messageCount: sentCount, perSecond }))
}

const poisonedKeys = Array.from({ length: failingCount }, (_, index) => orderOf(index).userId)
const countedCount = sentCount - (sentCount / userCount) * failingCount

/** Those that were not handled at all are the latest. */
function p99Of({ p99Ms, messageCount }: TurnResult): number {
  return messageCount < countedCount ? mostMs : p99Ms
}
