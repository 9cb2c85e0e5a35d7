import { execFile } from 'node:child_process'

interface NpmPlace {
  /** Where npm runs. @defaultValue the working directory */
  readonly folder?: string
  /** Added to that of this process. */
  readonly environment?: NodeJS.ProcessEnv
  /** How long the registry may take to answer, which is asked once. A guess. @defaultValue 60_000 */
  readonly timeoutMs?: number
}

/**
 * What a command of npm prints as JSON, with which it may fail.
 *
 * @throws Error when it prints anything else
 */
export async function npm(args: readonly string[], place: NpmPlace = {}): Promise<unknown> {
  const { folder, environment, timeoutMs = 60_000 } = place
  // `npm run --silent` would hide the errors of this one, too.
  const limits = ['--fetch-retries=0', `--fetch-timeout=${timeoutMs}`, '--loglevel=error']
  const options = { cwd: folder, env: { ...process.env, ...environment }, maxBuffer: 2 ** 28 }
  const printed = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile('npm', [...args, '--json', ...limits], options, (_error, stdout, stderr) => resolve({ stdout, stderr }))
  })
  try {
    return JSON.parse(printed.stdout)
  } catch (cause) {
    throw new Error(`npm ${args.join(' ')} printed no JSON: ${printed.stderr}`, { cause })
  }
}
