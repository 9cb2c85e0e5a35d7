import fc from 'fast-check'
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EchoService, startEcho, type WayName } from './every-way.ts'
import { inputSamples } from './input-sample.ts'
import { grpcLacks, leaf, type Misfit, type Mutation, type Sample } from './sample.ts'

/** What a run draws by: another one each time, and one that failed again with `TENON_SEED`, which its tests are named by. */
const seed = seedFrom(process.env['TENON_SEED'])
const samples = inputSamples(9, seed)

let echo: EchoService
beforeAll(async () => {
  echo = await startEcho(samples)
})
afterAll(() => echo[Symbol.asyncDispose]())

/** @throws TypeError for a setting that is no seed. */
function seedFrom(given: string | undefined): number {
  if (given === undefined || given === '') return Math.trunc(Math.random() * 2 ** 31)
  if (/^-?\d{1,10}$/.test(given)) return Number(given)
  throw new TypeError(`TENON_SEED must be a whole number of at most 10 digits, found "${given}"`)
}

const wayNames: readonly WayName[] = ['memory', 'http', 'grpc', 'queue']
const jsonWays: ReadonlySet<WayName> = new Set(['http', 'queue'])

/** Those that have all a sample needs: see `grpcLacks`. */
function waysFor({ needs }: Sample): readonly WayName[] {
  return needs.some((need) => Object.hasOwn(grpcLacks, need)) ? wayNames.filter((way) => way !== 'grpc') : wayNames
}

/** A value as JSON carries it, where zero has no sign. */
function overJson(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(overJson)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, overJson(inner)]))
}

describe.each(samples.map((sample, index) => ({ sample, index })))(
  `with TENON_SEED=${seed}, schema $index`,
  // A guess: hundreds of calls, on a machine that does other things as well.
  { timeout: 60_000 },
  ({ sample, index }) => {
    const { fitting, filled, mutations } = sample
    test('every value that fits comes through every transport as it was sent, with its defaults', async () => {
      const property = fc.asyncProperty(fitting, async (value) => {
        for (const name of waysFor(sample)) {
          const expected = filled(jsonWays.has(name) ? overJson(value) : value)
          // A reader owns its value, and memory gives it the very one.
          expect({ name, ...(await echo.ways[name](index, structuredClone(value))) }).toEqual({ name, value: expected })
          expect(echo.received(index)).toEqual(expected)
        }
      })
      await fc.assert(property, { numRuns: 20, seed })
    })

    test('a value that is spoiled is refused alike by all, naming every place in one order up to the 20th', async () => {
      for (const { name, misfit, isForJsonOnly } of drawn(mutations)) {
        const ways = isForJsonOnly ? waysFor(sample).filter((way) => way !== 'grpc') : waysFor(sample)
        const property = fc.asyncProperty(misfit, async (given) => refusedAlike(name, given, { index, ways }))
        await fc.assert(property, { numRuns: 2, seed })
      }
    })
  },
)

/** A schema in schemas has hundreds; those of several faults are always among them. */
function drawn(mutations: readonly Mutation[]): readonly Mutation[] {
  const count = Math.min(mutations.length, 25)
  const some = fc.shuffledSubarray([...mutations], { minLength: count, maxLength: count })
  const several = mutations.filter(({ name }) => name.startsWith('several'))
  return [...several, ...fc.sample(some, { numRuns: 1, seed }).flat()]
}

interface Where {
  readonly index: number
  readonly ways: readonly WayName[]
}

/** As many violations as are told of one input at most. */
const longestList = 20

/**
 * Field, rule, message and order are compared. Not on the queue: a dead letter has the code and the message only, which
 * names the first place, what is wrong with it and how many more there are.
 */
async function refusedAlike(mutation: string, { value, fields }: Misfit, { index, ways }: Where): Promise<void> {
  const [memory, ...others] = await Promise.all(ways.map((name) => echo.ways[name](index, structuredClone(value))))
  expect(memory, mutation).toMatchObject({ code: 'invalid_argument' })
  const told = (memory && 'violations' in memory && memory.violations) || []
  expect([...fields], mutation).toEqual(expect.arrayContaining(told.map(({ field }) => field)))
  expect(told.length, mutation).toBe(Math.min(fields.length, longestList))
  for (const [at, answer] of others.entries()) {
    const expected = ways[at + 1] === 'queue' ? { ...memory, violations: undefined } : memory
    expect(answer, `${mutation} over ${ways[at + 1]}`).toEqual(expected)
  }
}

test('zero keeps its sign where it is carried as eight bytes, and loses it in JSON', async () => {
  const schema = Type.Object({ id: Type.String(), size: Type.Number() })
  const sample = leaf({ schema, fitting: fc.constant({}), otherTypes: [null] })
  await using zero = await startEcho([sample])
  for (const name of wayNames) {
    await zero.ways[name](0, { id: name, size: -0 })
    const size = jsonWays.has(name) ? 0 : -0
    expect(zero.received(0)).toEqual({ id: name, size })
  }
})
