import { randomUUID } from 'node:crypto'
import { Child } from '../child.ts'
import type { Program } from '../compare.ts'
import type { Figure } from '../figure.ts'
import type { TurnResult } from '../server/queue-turn.ts'
import { type Spread, spreadOf } from '../statistic.ts'

/** A program that does turns, and what it is told by its environment. */
export interface TurnProgram extends Program {
  readonly environment?: Readonly<Record<string, string>>
}

export interface Turns {
  readonly topic: string
  readonly programs: readonly TurnProgram[]
  readonly messageCount: number
  readonly roundCount: number
}

/** What one program took a message in one round. */
export interface PerMessage {
  readonly cpuMicroseconds: number
  readonly perSecond: number
}

/** What the programs took, in their order, round by round. */
export type TurnRounds = readonly (readonly PerMessage[])[]

/** All programs run at the same time, and one after another does its turn: on the way there and on the way back in every round. */
export async function measureTurns({ topic, programs, messageCount, roundCount }: Turns): Promise<TurnRounds> {
  await using children = new AsyncDisposableStack()
  const running: Child[] = []
  for (const { path, environment } of programs) running.push(children.use(await startTurns(path, topic, environment)))
  const turn = (child: Child) => child.turn({ topic, group: groupOf(topic), messageCount })
  for (const child of running) for (let warmUp = 0; warmUp < warmUpCount; warmUp++) await turn(child)
  const rounds: PerMessage[][] = []
  while (rounds.length < roundCount) {
    const results = running.map((): TurnResult[] => [])
    for (const index of [...running.keys(), ...[...running.keys()].toReversed()]) {
      const child = running[index]
      if (child) results[index]?.push(await turn(child))
    }
    rounds.push(results.map((each) => toPerMessage(each, messageCount)))
  }
  return rounds
}

/** Turns before the first that counts. A guess: by then the compilers of V8 have nothing left to do. */
export const warmUpCount = 2

/** Starts a program for a topic. */
export function startTurns(path: string, topic: string, environment: TurnProgram['environment'] = {}): Promise<Child> {
  return Child.start(path, { environment: { BENCH_TOPIC: topic, ...environment } })
}

/** The group of one turn. */
export function groupOf(topic: string): string {
  return `${topic}-${randomUUID().slice(0, 8)}`
}

/** Microseconds and messages a second of each program. */
export function turnFigures(title: string, programs: readonly TurnProgram[], rounds: TurnRounds): readonly Figure[] {
  return programs.flatMap(({ name }, index) => {
    const all = rounds.flatMap((round) => round[index] ?? [])
    return [
      {
        name: `${title}: ${name}`,
        unit: 'µs CPU/message',
        spread: spreadOf(all.map((each) => each.cpuMicroseconds)),
      },
      { name: `${title}: ${name}`, unit: 'messages/s', spread: spreadOf(all.map(({ perSecond }) => perSecond)) },
    ]
  })
}

/** CPU a message of one program as a multiple of another's, round by round. */
export function cpuRatio(rounds: TurnRounds, one: number, other: number): Spread {
  const cpu = (round: readonly PerMessage[], index: number) => round[index]?.cpuMicroseconds ?? Number.NaN
  return spreadOf(rounds.map((round) => cpu(round, one) / cpu(round, other)))
}

function toPerMessage(results: readonly TurnResult[], messageCount: number): PerMessage {
  const sum = (pick: (result: TurnResult) => number) => results.reduce((total, result) => total + pick(result), 0)
  const count = messageCount * results.length
  return {
    cpuMicroseconds: sum(({ cpuMicroseconds }) => cpuMicroseconds) / count,
    perSecond: count / sum(({ seconds }) => seconds),
  }
}
