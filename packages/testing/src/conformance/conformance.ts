import { conformanceCases } from './conformance-cases.ts'
import type { ConformanceHarness } from './harness.ts'

/** The `test` of vitest, of Jest, or of `node:test`. */
export interface TestFunction {
  (name: string, run: () => Promise<void>): unknown
  skip(name: string, run: () => Promise<void>): unknown
}

/**
 * Registers the suite for one transport with a test runner: one test for each case. What the transport lacks is skipped under
 * a title that says so, with the reason.
 *
 * `conformance({ name: 'mine', start, lacks: { 'input.null': 'the format has no null' } }, test)`
 *
 * @throws TypeError for a lack that is no feature, or has no reason.
 */
export function conformance(harness: ConformanceHarness, test: TestFunction): void {
  for (const { title, lacks, run } of conformanceCases(harness)) {
    if (lacks) test.skip(`${title} (lacks ${lacks.feature}: ${lacks.reason})`, run)
    else test(title, run)
  }
}
