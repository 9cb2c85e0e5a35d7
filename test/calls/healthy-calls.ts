import fc from 'fast-check'
import { expect } from 'vitest'
import { CallRun, isRetrying, type RunningCaller, type UserPlace } from './call-run.ts'
import { freezeOne, type Given, killDuringRoll, killOne, rollAll, type Scene, usedAgain } from './fault.ts'
import { failedOf, isRepeatable, type MadeCalls, phaseTable } from './phase-table.ts'
import type { UserFleet } from './user-fleet.ts'

/** How much of each fault there is. */
export interface Extent {
  /** How many calls each of the callers makes in a second. */
  readonly perSecond: number
  readonly rollCount: number
  readonly frozenSeconds: number
  /** How many faults there are beside those, by `TENON_SEED` or one that is printed. */
  readonly randomCount: number
  /** Whether `peakEwma()` is waited for, which gives one that was frozen its part again only when what it knows of it is old. */
  readonly waitsForAll: boolean
}

/**
 * Calls instances that are restarted, frozen and killed, and makes sure that calls which may be made again do not fail where they are made
 * again, that others are never carried out twice, and that the same faults do fail calls without retries.
 */
export async function callThroughFaults(fleet: UserFleet, place: UserPlace, extent: Extent): Promise<string> {
  await using run = await CallRun.start(place, extent.perSecond)
  const scene = { fleet, run }
  await run.enter('steady')
  await run.pass(1)
  await run.enter('rolling restart')
  for (let roll = 0; roll < extent.rollCount; roll += 1) await rollAll(scene)
  await run.enter('one frozen')
  const given = await freezeOne(scene, 0, extent.frozenSeconds)
  await run.enter('thawed')
  await usedAgain(scene, 0, ({ policy }) =>
    extent.waitsForAll ? isRetrying(policy) : policy.includes('leastRequests'),
  )
  await run.enter('one killed')
  await killOne(scene, 1)
  await run.enter('one killed during a rolling restart')
  await killDuringRoll(scene, [2, 3])
  if (extent.randomCount > 0) await faultsByChance(scene, extent.randomCount)
  const made = await run.finish()
  expect(await fleet.stop()).toEqual(Array.from({ length: fleet.size }, () => 0))
  expect(fleet.runningCount).toBe(0)
  checkRetrying(made)
  checkControl(made)
  checkOnce(made, fleet)
  checkGiven(run.callers, given)
  return phaseTable(made)
}

/** No call fails that may be made again, and no stream is cut by a restart. */
function checkRetrying(made: readonly MadeCalls[]): void {
  for (const { calls, ...caller } of made.filter(({ policy }) => isRetrying(policy))) {
    expect(failedOf(calls.filter(isRepeatable)), JSON.stringify(caller)).toEqual([])
    const ordered = calls.filter(({ phase }) => phase === 'steady' || phase === 'rolling restart')
    expect(ordered.filter(({ failure }) => failure === 'cut stream')).toEqual([])
  }
}

/** The faults were such that calls had to be made again. */
function checkControl(made: readonly MadeCalls[]): void {
  for (const { protocol, policy, calls } of made)
    if (!isRetrying(policy)) expect(failedOf(calls.filter(isRepeatable)).length, protocol).toBeGreaterThan(0)
}

/** What is neither safe nor idempotent fails where it was cut, and is never carried out twice. */
function checkOnce(made: readonly MadeCalls[], { added }: UserFleet): void {
  expect(new Set(added).size).toBe(added.length)
  const failures = made.flatMap(({ calls }) => failedOf(calls.filter(({ kind }) => kind === 'add')))
  expect(failures.filter(({ failure = '' }) => !/^(?:unavailable|deadline_exceeded):/.test(failure))).toEqual([])
}

/** The default balancer gives one that does not answer less than half of what was its due. */
function checkGiven(callers: readonly RunningCaller[], given: readonly Given[]): void {
  for (const [place, { protocol, policy }] of callers.entries()) {
    const { there = 0, all = 0 } = given[place] ?? {}
    if (policy === 'with retries') expect(there, `of ${all} over ${protocol}`).toBeLessThan(all / 5 / 2)
  }
}

async function faultsByChance(scene: Scene, count: number): Promise<void> {
  const seed = Number(process.env['TENON_SEED'] ?? Date.now() % 2 ** 31)
  process.stdout.write(`faults by TENON_SEED=${seed}\n`)
  const index = fc.nat(scene.fleet.size - 1)
  const fault = fc.oneof(
    fc.record({ kind: fc.constant('kill'), index }),
    fc.record({ kind: fc.constant('freeze'), index }),
    fc.record({ kind: fc.constant('kill during restart'), index }),
  )
  await scene.run.enter('by chance')
  for (const { kind, index: victim } of fc.sample(fault, { numRuns: count, seed })) {
    if (kind === 'kill') await killOne(scene, victim)
    else if (kind === 'freeze') await freezeOne(scene, victim, 3)
    else await killDuringRoll(scene, [victim, (victim + 1) % scene.fleet.size])
  }
}
