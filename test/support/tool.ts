import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'

/** How a tool ended. */
export interface ToolRun {
  readonly code: number | null
  /** What it printed, on both outputs. */
  readonly output: string
}

/** Why tests with these tools are skipped; undefined when they run. `TENON_REQUIRE_INFRA=1` makes a missing one fail instead. */
export function toolAbsence(...names: readonly string[]): string | undefined {
  if (process.env['TENON_REQUIRE_INFRA'] === '1') return undefined
  const missing = names.filter((name) => spawnSync(name, ['--version'], { env: environment() }).error !== undefined)
  return missing.length === 0 ? undefined : `not on the PATH: ${missing.join(', ')}`
}

/** Runs a tool of the PATH in a folder, to its end or to that of the signal. */
export async function runTool(
  command: readonly [name: string, ...args: readonly string[]],
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<ToolRun> {
  const [name, ...args] = command
  const child = spawn(name, args, { cwd: folder, env: environment(), signal, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const add = (text: string) => void (output += text)
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', add)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** Tools written for Node run with the one that runs the test, and none asks the network about itself. */
function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    REDOCLY_TELEMETRY: 'off',
    REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  }
}
