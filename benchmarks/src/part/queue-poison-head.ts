import type { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import type { PoisonTurn } from '../server/queue-poison.ts'
import type { TurnResult } from '../server/queue-turn.ts'
import { poisonKey } from '../server/queue-work.ts'
import { pairedRounds, type Spread, spreadOf } from '../statistic.ts'
import type { PoisonRun } from './poison-run.ts'
import { groupOf, warmUpCount } from './queue-turns.ts'

/** How long the poison message waits for its second attempt: at once set aside, and only when the window of its partition is full. */
const longestDelayMs = 60_000
const delaysMs = [longestDelayMs, 9_000]
/** Twice as many as the window of a partition holds. @see maxUncommittedCount, whose default is 1,000 */
export const followerCount = 2_000
/** At least nine tenths of what passes without it. */
const mostTimeRatio = 1 / 0.9
/** The end of a turn in which the partition stands still: ten times what a slow machine takes. A guess. */
const mostMsPerMessage = 1
const leastPatienceMs = 20_000
/** Rounds that count for the heap; more of them would say nothing new. */
const mostHeapRoundCount = 3
const bytesPerMb = 1_000_000

/** All messages of a partition as fast as they go, behind a poison message and behind the same one when it does not fail. */
export async function measurePoisonThroughput(run: PoisonRun, child: Child): Promise<readonly Figure[]> {
  const cases = delaysMs.map((initialDelayMs) => ({ initialDelayMs, title: titleOf(initialDelayMs) }))
  return measureCases(run, child, cases)
}

/** The same where the window of the partition is full of the poison message's own key. */
export async function measurePoisonFollowers(run: PoisonRun, child: Child): Promise<readonly Figure[]> {
  const title = `${titleOf(longestDelayMs)}, ${followerCount} of its key behind it`
  return measureCases(run, child, [{ initialDelayMs: longestDelayMs, title }])
}

interface PoisonCase {
  readonly initialDelayMs: number
  readonly title: string
}

function titleOf(initialDelayMs: number): string {
  return `poison message, next try after ${initialDelayMs / 1_000} s`
}

async function measureCases(run: PoisonRun, child: Child, cases: readonly PoisonCase[]): Promise<readonly Figure[]> {
  const clean = { ...turnOf(run), isFailing: false }
  for (let warmUp = 0; warmUp < warmUpCount; warmUp++) await play(child, clean)
  const figures: Figure[] = []
  for (const { initialDelayMs, title } of cases) {
    const failing = { ...clean, isFailing: true, initialDelayMs }
    const rounds = await pairedRounds(run.roundCount, {
      ours: () => play(child, failing),
      theirs: () => play(child, clean),
    })
    const ratio = (pick: (result: TurnResult) => number): Spread =>
      spreadOf(rounds.map(({ ours, theirs }) => pick(ours) / pick(theirs)))
    figures.push(
      { name: `no ${title}`, unit: 'messages/s', spread: spreadOf(rounds.map(({ theirs }) => 1 / secondsOf(theirs))) },
      { name: title, unit: 'messages/s', spread: spreadOf(rounds.map(({ ours }) => 1 / secondsOf(ours))) },
      { name: `time of the others, ${title} / none`, unit: '×', spread: ratio(secondsOf), target: mostTimeRatio },
      { name: `CPU of the others, ${title} / none`, unit: '×', spread: ratio(cpuOf) },
    )
  }
  return figures
}

/** What is held while a poison message waits, beside what is held without one: of what comes behind it nothing stays. */
export async function measurePoisonHeap(run: PoisonRun, child: Child): Promise<readonly Figure[]> {
  const turn = { ...turnOf(run), isHeapRead: true }
  const held: { readonly clean: number; readonly failing: number }[] = []
  while (held.length < Math.min(run.roundCount, mostHeapRoundCount)) {
    const { heldBytes: clean } = await play(child, { ...turn, isFailing: false })
    const { heldBytes: failing } = await play(child, { ...turn, isFailing: true })
    held.push({ clean, failing })
  }
  const mb = (pick: (round: (typeof held)[number]) => number) => spreadOf(held.map((each) => pick(each) / bytesPerMb))
  const title = `held behind a poison message, ${turn.messageCount} messages`
  return [
    { name: `held without one, ${turn.messageCount} messages`, unit: 'MB', spread: mb(({ clean }) => clean) },
    { name: title, unit: 'MB', spread: mb(({ failing }) => failing) },
    { name: `${title}, above without one`, unit: 'MB', spread: mb(({ clean, failing }) => failing - clean), target: 2 },
  ]
}

function turnOf({ topic, messageCount }: PoisonRun) {
  return { topic, messageCount, poisonedKeys: [poisonKey], initialDelayMs: 60_000, start: 'earliest' } as const
}

/** A group that nobody had before reads from the poison message on. */
function play(child: Child, turn: Omit<PoisonTurn, 'group' | 'sentCount'>): Promise<TurnResult> {
  const mostMs = Math.max(leastPatienceMs, turn.messageCount * mostMsPerMessage)
  const whole: PoisonTurn = { ...turn, group: groupOf(turn.topic), sentCount: 0, mostMs }
  return child.turn(whole)
}

function secondsOf({ seconds, messageCount }: TurnResult): number {
  return seconds / messageCount
}

function cpuOf({ cpuMicroseconds, messageCount }: TurnResult): number {
  return cpuMicroseconds / messageCount
}
