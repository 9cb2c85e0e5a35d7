import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OwnProcess, run } from '../support/own-process.ts'

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

/** Starts `tenon` from its sources, without a loader: what needs one has to find it. */
export function startTenon(args: readonly string[], environment: Readonly<Record<string, string>> = {}): OwnProcess {
  return run(process.execPath, ['--conditions=@tenon/source', main, ...args], environment)
}

/** Runs `tenon` to its end. */
export async function tenon(...args: readonly string[]) {
  await using process = startTenon(args)
  const exitCode = await process.ended
  return { exitCode, printed: process.output(), errors: process.errors() }
}

/** A file of the fixtures. */
export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixture', name)
}
