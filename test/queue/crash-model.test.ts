import { expect, test } from 'vitest'
import type { CrashPoint } from './model/crash-point.ts'
import { crashScenario } from './model/crash-scenario.ts'
import { forEachCrash } from './model/each-crash.ts'
import { memoryWorld } from './model/memory-world.ts'
import type { Plant } from './model/model-member.ts'
import * as planted from './model/planted-bugs.ts'
import { requireKept } from './model/require-kept.ts'
import { type RunVerdict, runScenario } from './model/run-scenario.ts'
import { sqliteWorld } from './model/sqlite-world.ts'
import { tell } from './model/tally.ts'

/** On queue files, where time is real: each call of the long run, some of a short one. */
const strideCount = Number(process.env['TENON_CRASH_STRIDE'] ?? 23)

test('the scenario has all that a crash may come between', async () => {
  const { journal, violations } = await playInMemory()
  expect(violations).toEqual([])
  const members = new Set(journal.facts.flatMap((fact) => (fact.is === 'assigned' ? [fact.member] : [])))
  const seen = new Set(journal.facts.map(({ is }) => is))
  expect([...members]).toEqual(['m1', 'm2'])
  expect([...seen]).toEqual(
    expect.arrayContaining(['parked', 'buried', 'told done', 'committed', 'committed beside', 'settled']),
  )
})

test('nothing is lost or out of order, whichever call a process dies of, on the memory broker', {
  timeout: 120_000,
}, async () => {
  const play = async (crash: CrashPoint) => requireKept(await playInMemory({ crash }))
  const crashCount = await forEachCrash(play, { strideCount: 1 })
  tell(`the memory broker: ${crashCount} crashes, before and after each call`)
  expect(crashCount).toBeGreaterThan(150)
})

test('nothing is lost or out of order, whichever call a process dies of, in a queue file', {
  timeout: 600_000,
}, async () => {
  const play = async (crash: CrashPoint) => {
    await using world = await sqliteWorld(crashScenario)
    requireKept(await runScenario(crashScenario, world, { crash }))
  }
  const crashCount = await forEachCrash(play, { strideCount, parallelCount: 8 })
  tell(`queue files: ${crashCount} crashes, before and after one call in ${strideCount}`)
  expect(crashCount).toBeGreaterThanOrEqual(2)
})

type FoundRule = RunVerdict['violations'][number]['rule']

/** Mistakes that nothing shows but a crash at the right moment. */
const bugs: readonly (readonly [what: string, rule: FoundRule, plant: Plant])[] = [
  ['a client that commits before the effect', 'lost', { inDriver: planted.commitsBeforeEffects }],
  ['a fence that is dropped by who takes over', 'overtaken', { inLoop: planted.dropsFences }],
  ['messages that are taken for stored before they are sent', 'lost', { inLoop: planted.sendsBehindAnswers }],
]

test.each(bugs)('finds %s', { timeout: 60_000 }, async (_what, rule, plant) => {
  const isFound = ({ violations }: RunVerdict) => violations.some((violation) => violation.rule === rule)
  const play = async (crash: CrashPoint) => {
    if (isFound(await playInMemory({ crash, plant }))) throw new Error(rule)
  }
  expect(isFound(await playInMemory({ plant }))).toBe(false)
  await expect(forEachCrash(play, { strideCount: 1 })).rejects.toThrow(
    new RegExp(`^${rule}\\nin the run that dies (before|after) its call \\d+$`),
  )
})

async function playInMemory(options?: Parameters<typeof runScenario>[2]): Promise<RunVerdict> {
  await using world = memoryWorld(crashScenario)
  return await runScenario(crashScenario, world, options)
}
