import { registryCases } from './registry-cases.ts'
import type { RegistryHarness } from './registry-harness.ts'

/** The `test` of vitest, of Jest, or of `node:test`. */
export interface RegistryTestFunction {
  (name: string, run: () => Promise<void>, timeoutMs: number): unknown
  skip(name: string, run: () => Promise<void>): unknown
}

/**
 * Registers the suite for one registry with a test runner: one test for each case. What the registry lacks is skipped under
 * a title that says so, with the reason.
 *
 * `registryConformance(consulHarness(), test)`
 *
 * @throws TypeError for a lack that is no feature, or has no reason.
 */
export function registryConformance(harness: RegistryHarness, test: RegistryTestFunction): void {
  for (const { title, lacks, limitMs, run } of registryCases(harness)) {
    if (lacks) test.skip(`${title} (lacks ${lacks.feature}: ${lacks.reason})`, run)
    else test(title, run, limitMs + closingMs)
  }
}

/** A guess, for what a case lets go of after it was judged. */
const closingMs = 20_000
