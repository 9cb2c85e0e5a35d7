import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryWorld } from './model/memory-world.ts'
import type { Plant } from './model/model-member.ts'
import * as planted from './model/planted-bugs.ts'
import { type RunVerdict, runScenario } from './model/run-scenario.ts'
import { calmScenarios, scenarios } from './model/scenario.ts'

type FoundRule = RunVerdict['violations'][number]['rule']

/** Which rule finds which mistake. One that the model cannot see being made is found by what it does. */
const bugs: readonly (readonly [what: string, rule: FoundRule, plant: () => Plant])[] = [
  ['a commit before the effect', 'committed_too_early', () => ({ inLoop: planted.commitsBeforeEffects })],
  ['a client that commits before the effect', 'lost', () => ({ inDriver: planted.commitsBeforeEffects })],
  ['a commit of a revoked partition', 'committed_too_early', () => ({ inLoop: planted.commitsWhatIsRevoked })],
  ['a client that commits what is revoked', 'lost', () => ({ inDriver: planted.commitsWhatIsRevoked })],
  ['a broker that fences nobody', 'fenced_commit_stored', () => ({ inDriver: planted.storesFencedCommits() })],
  [
    'commits that are taken for stored and are not',
    'beyond_bound',
    () => ({ inLoop: planted.storesCommitsLate(2_000) }),
  ],
  ['a refused commit that is forgotten', 'left_uncommitted', () => ({ inLoop: planted.forgetsRefusals })],
  ['a lane that lets messages of a key run together', 'side_by_side', () => ({ inLoop: planted.forgetsKeys })],
  ['a lane that reorders', 'overtaken', () => ({ inLoop: planted.forgetsKeys })],
  ['a fence that is dropped on a rebalance', 'overtaken', () => ({ inLoop: planted.dropsFences })],
  ['a follower that is handled before the one that failed', 'overtaken', () => ({ inLoop: planted.forgetsParkedKeys })],
  ['a message that is set aside in another partition', 'stuck', () => ({ inLoop: planted.parksElsewhere })],
  [
    'a source that goes on before it is set aside',
    'committed_too_early',
    () => ({ inLoop: planted.parksWithoutAnswer }),
  ],
  ['what is done with and counted before that is stored', 'beyond_bound', () => ({ inLoop: planted.losesDoneWords })],
  ['a lost wake-up', 'stuck', () => ({ inLoop: planted.losesWakeUps })],
]

test.each(bugs)('finds %s', async (_what, rule, plant) => {
  const isKept = async (scenario: Parameters<typeof memoryWorld>[0]) => {
    await using world = memoryWorld(scenario)
    const { violations } = await runScenario(scenario, world, { plant: plant() })
    return !violations.some((violation) => violation.rule === rule)
  }
  const bounds = { seed: 1, numRuns: 100, unbiased: true, endOnFailure: true }
  const { failed, errorInstance } = await fc.check(
    fc.asyncProperty(scenarios({ maxStepCount: 30, isOnFakeClock: true, windowCounts: [1, 5, 5, 1_000] }), isKept),
    bounds,
  )
  expect(errorInstance).toMatchObject({ message: 'Property failed by returning false' })
  expect(failed).toBe(true)
})

test('finds that all keys are held up by one', async () => {
  const isKept = async (scenario: Parameters<typeof memoryWorld>[0]) => {
    await using world = memoryWorld(scenario)
    const { violations } = await runScenario(scenario, world, { plant: { inLoop: planted.holdsAllKeys } })
    return !violations.some(({ rule }) => rule === 'held_up')
  }
  const { failed } = await fc.check(fc.asyncProperty(calmScenarios(), isKept), {
    seed: 1,
    numRuns: 10,
    endOnFailure: true,
  })
  expect(failed).toBe(true)
})
