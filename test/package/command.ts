import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'

/** What a command printed, on both outputs, and the code it ended with. */
export interface Ended {
  readonly output: string
  readonly exitCode: number
}

/**
 * The environment of a user's terminal: this Node first on the path, and nothing of what `npm run` and vitest told the
 * running test.
 */
export function userEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:npm_|NODE_ENV$|NODE_OPTIONS$|VITE)/i.test(name))
  return { ...Object.fromEntries(own), PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, NO_COLOR: '1' }
}

/** Runs a command to its end, whatever its exit code. */
export async function tryCommand(folder: string, [command = '', ...args]: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { cwd: folder, env: userEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const add = (text: string) => (output += text)
  child.stdout.setEncoding('utf8').on('data', add)
  child.stderr.setEncoding('utf8').on('data', add)
  const [exitCode] = await once(child, 'close')
  return { output, exitCode: typeof exitCode === 'number' ? exitCode : 1 }
}

/**
 * Runs a command that must succeed and gives what it printed.
 *
 * @throws Error with the command and all of its output.
 */
export async function command(folder: string, line: readonly string[]): Promise<string> {
  const { output, exitCode } = await tryCommand(folder, line)
  if (exitCode !== 0) throw new Error(`"${line.join(' ')}" in ${folder} ended with code ${exitCode}:\n${output}`)
  return output
}
