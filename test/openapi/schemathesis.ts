import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool, type ToolRun } from '../support/tool.ts'

/** What schemathesis is to try. */
export interface Trial {
  /** Address of the document, whose server is the service itself. */
  readonly url: string
  readonly seed: number
  /** Of each operation. @defaultValue `TENON_EXAMPLES`, else 500 */
  readonly exampleCount?: number
  /** Paths that are tried, or left out. @see schemathesis, filters */
  readonly filter?: readonly string[]
  /** Further settings, in TOML. @see schemathesis, configuration */
  readonly settings?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/**
 * Lets schemathesis try every operation of a document with examples that fit it and that do not, then in sequences,
 * with all its checks: no status, type, header or body that the document does not know, none of the 500s, nothing valid
 * refused, nothing invalid accepted.
 */
export async function trySchemathesis({ url, seed, signal, ...trial }: Trial): Promise<ToolRun> {
  const { filter = [], settings = '', headers = {}, exampleCount = defaultExampleCount } = trial
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'schemathesis.toml'), settings)
  const given = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  // One worker: those of one process are threads, which Python has parse its own sources at the same time, and fails at.
  const limits = [
    `--max-examples=${exampleCount}`,
    '--workers=1',
    `--seed=${seed}`,
    '--generation-database=none',
    '--no-color',
  ]
  return runTool(
    ['schemathesis', 'run', url, '--checks=all', '--mode=all', '--continue-on-failure', ...limits, ...given, ...filter],
    { folder, signal },
  )
}

/** The seed to try with, another one each time unless `TENON_SEED` names it. */
export function chooseSeed(): number {
  return Number(process.env['TENON_SEED'] ?? Math.floor(Math.random() * 1_000_000_000))
}

const defaultExampleCount = Number(process.env['TENON_EXAMPLES'] ?? 500)
