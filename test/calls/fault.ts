import { eventually } from '@tenon/testing'
import { expect } from 'vitest'
import { type CallRun, perSecond, type RunningCaller } from './call-run.ts'
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

/** Kills an instance, and starts it again. */
export async function killOne({ fleet, run }: Scene, index: number): Promise<void> {
  expect(await fleet.kill(index)).toBe('SIGKILL')
  await run.pass(pauseSeconds)
}

/** Kills an instance while another one is restarted. */
export async function killDuringRoll(
  { fleet, run }: Scene,
  [leaving, killed]: readonly [number, number],
): Promise<void> {
  const restarted = fleet.restart(leaving)
  expect(await fleet.kill(killed)).toBe('SIGKILL')
  expect(await restarted).toBe(0)
  await run.pass(pauseSeconds)
}

/** Stops an instance in the middle of all it does, for a while. Gives how many attempts each caller gave it meanwhile. */
export async function freezeOne({ fleet, run }: Scene, index: number, seconds: number): Promise<readonly number[]> {
  const before = attemptsAt({ fleet, run }, index)
  fleet.freeze(index)
  await run.pass(seconds)
  const until = attemptsAt({ fleet, run }, index)
  fleet.thaw(index)
  return until.map((count, place) => count - (before[place] ?? 0))
}

/** Resolves when each of the callers gives an instance a good part of what is its due. */
export async function usedAgain(
  scene: Scene,
  index: number,
  isMeant: (caller: RunningCaller) => boolean,
): Promise<void> {
  const meant = () => attemptsAt(scene, index).filter((_, place) => isMeant(scene.run.callers[place] as RunningCaller))
  const before = meant()
  const used = () => meant().every((count, place) => count >= (before[place] ?? 0) + perSecond / 10)
  await eventually(() => expect(used()).toBe(true), { timeoutMs: 120_000 })
}

function attemptsAt({ fleet, run }: Scene, index: number): readonly number[] {
  return run.callers.map(({ protocol, attemptCounts }) => attemptCounts.get(fleet.at(protocol)[index] ?? '') ?? 0)
}

/** So that calls go to who has come before another one leaves. */
const pauseSeconds = 0.3
