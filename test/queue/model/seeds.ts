import fc from 'fast-check'

export interface SeedOptions {
  /** The test file, for the command that repeats a failing seed. */
  readonly file: string
  /** How many seeds are tried unless TENON_SEEDS says. */
  readonly seedCount: number
  /** How many at a time. @defaultValue 1 */
  readonly parallelCount?: number
}

/**
 * Tries a property with one scenario for each seed: 1, 2, 3 and so on, or only TENON_HISTORY. What fails is made as small as it
 * can be and still fail, where seeds are tried one at a time.
 *
 * @throws Error with the smallest failing scenario and the command that repeats it
 */
export async function forEachSeed<T>(
  scenarios: fc.Arbitrary<T>,
  property: (scenario: T) => Promise<void>,
  { file, seedCount, parallelCount = 1 }: SeedOptions,
): Promise<void> {
  const given = process.env['TENON_HISTORY']
  const count = Number(process.env['TENON_SEEDS'] ?? seedCount)
  const seeds = given === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(given)]
  const left = seeds.values()
  const work = async () => {
    for (const seed of left) await trySeed(fc.asyncProperty(scenarios, property), { seed, file, parallelCount })
  }
  await Promise.all(Array.from({ length: parallelCount }, work))
}

async function trySeed<T>(
  property: fc.IAsyncProperty<[T]>,
  { seed, file, parallelCount }: { readonly seed: number; readonly file: string; readonly parallelCount: number },
): Promise<void> {
  // Seeds that are tried side by side take longer, and would be taken for done when they are interrupted.
  const shrinking = parallelCount > 1 ? { endOnFailure: true } : { interruptAfterTimeLimit: shrinkMs }
  const result = await fc.check(property, { seed, numRuns: 1, unbiased: true, ...shrinking })
  if (!result.failed) return
  const found = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance)
  const smallest = JSON.stringify(result.counterexample?.[0])
  throw new Error(`${found}\nin ${smallest}\nrepeat it with: TENON_HISTORY=${seed} npx vitest run ${file}`)
}

/** How long a failing scenario is made smaller. */
const shrinkMs = 20_000
