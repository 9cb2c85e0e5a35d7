import { eventually } from '@tenon/testing'
import { expect } from 'vitest'
import { type CallRun, isRetrying, type RunningCaller } from './call-run.ts'
import type { UserFleet } from './user-fleet.ts'

/** Who is called, and by whom. */
export interface Scene {
  readonly fleet: UserFleet
  readonly run: CallRun
}

/** Restarts all instances, one after another, as a platform does. */
export async function rollAll({ fleet, run }: Scene): Promise<void> {
  for (let index = 0; index < fleet.size; index += 1) {
    expect(await fleet.restart(index)).toBe(0)
    await run.pass(pauseSeconds)
  }
}

/** Kills an instance while it does what must not be done twice, and starts it again. */
export async function killOne(scene: Scene, index: number): Promise<void> {
  await killWhileAdding(scene, index)
  await scene.run.pass(pauseSeconds)
}

/** Kills an instance while another one is restarted. */
export async function killDuringRoll(
  scene: Scene,
  [leaving, killed]: readonly [leaving: number, killed: number],
): Promise<void> {
  const restarted = scene.fleet.restart(leaving)
  await killWhileAdding(scene, killed)
  expect(await restarted).toBe(0)
  await scene.run.pass(pauseSeconds)
}

async function killWhileAdding({ fleet, run }: Scene, index: number): Promise<void> {
  const retrying = run.callers.filter(({ policy }) => isRetrying(policy))
  await fleet.adding(index, (userId) => retrying.some(({ added }) => added.has(userId)))
  expect(await fleet.kill(index)).toBe('SIGKILL')
}

/** How many attempts one caller made, and how many of them at one instance. */
export interface Given {
  readonly there: number
  readonly all: number
}

/**
 * Stops an instance in the middle of all it does, until callers have given it calls, and for some seconds more. Gives the attempts of each
 * caller meanwhile.
 */
export async function freezeOne(scene: Scene, index: number, seconds: number): Promise<readonly Given[]> {
  const { fleet, run } = scene
  const before = attemptsAt(scene, index)
  fleet.freeze(index)
  await grown(scene, index, { before, count: 1, isMeant: ({ policy }) => policy === 'without retries' })
  await run.pass(seconds)
  const until = attemptsAt(scene, index)
  fleet.thaw(index)
  return until.map(({ there, all }, place) => ({
    there: there - (before[place]?.there ?? 0),
    all: all - (before[place]?.all ?? 0),
  }))
}

/** Resolves when callers have given calls to an instance again. */
export async function usedAgain(
  scene: Scene,
  index: number,
  isMeant: (caller: RunningCaller) => boolean,
): Promise<void> {
  await grown(scene, index, { before: attemptsAt(scene, index), count: 3, isMeant })
}

interface Growth {
  readonly before: readonly Given[]
  /** How many attempts there are to be. */
  readonly count: number
  readonly isMeant: (caller: RunningCaller) => boolean
}

async function grown(scene: Scene, index: number, { before, count, isMeant }: Growth): Promise<void> {
  const { callers } = scene.run
  const lacking = () =>
    attemptsAt(scene, index).flatMap(({ there }, place) => {
      const caller = callers[place]
      const isGiven = there >= (before[place]?.there ?? 0) + count
      return caller === undefined || isGiven || !isMeant(caller) ? [] : [`${caller.protocol} ${caller.policy}`]
    })
  await eventually(() => expect(lacking()).toEqual([]), { timeoutMs: 120_000 })
}

function attemptsAt({ fleet, run }: Scene, index: number): readonly Given[] {
  return run.callers.map(({ protocol, attemptCounts }) => ({
    there: attemptCounts.get(fleet.at(protocol)[index] ?? '') ?? 0,
    all: [...attemptCounts.values()].reduce((sum, count) => sum + count, 0),
  }))
}

/** So that calls go to who has come before another one leaves. */
const pauseSeconds = 0.3
