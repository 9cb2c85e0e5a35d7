import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '@tenon/testing'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A process that a test started. Disposing kills it with everything it started. */
export interface OwnProcess extends AsyncDisposable {
  readonly child: ChildProcess
  /** What it has printed so far, on both outputs. */
  readonly output: () => string
  /** What it has printed so far on standard error. */
  readonly errors: () => string
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Whether any process of its group is still there. */
  readonly isGroupAlive: () => boolean
  /** Waits until the output has the text. Rejects when the process ends first. */
  readonly printed: (text: string) => Promise<void>
}

/** Runs a TypeScript file the way the start scripts do, with the Node that runs the test. */
export function runFile(file: string, environment: Readonly<Record<string, string>> = {}): OwnProcess {
  return run(process.execPath, ['--conditions=@tenon/source', '--import', 'tsx', file], environment)
}

/** Runs a command in the root of the repository, in a process group of its own, with a channel for messages. */
export function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): OwnProcess {
  const path = `${dirname(process.execPath)}:${process.env['PATH']}`
  const child = spawn(command, args, {
    cwd: root,
    detached: true,
    env: { ...process.env, PATH: path, NODE_ENV: 'development', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  let errors = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    errors += text
  })
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => signal ?? code ?? 0)
  return {
    child,
    output: () => output,
    errors: () => errors,
    ended,
    isGroupAlive: () => signalGroup(child, 0),
    printed: (text) =>
      eventually(
        () => {
          if (!output.includes(text)) throw new Error(`"${text}" was not printed, but:\n${output}`)
        },
        { timeoutMs: 30_000 },
      ),
    [Symbol.asyncDispose]: async () => {
      signalGroup(child, 'SIGKILL')
      await ended
    },
  }
}

/** A folder that is removed when the running test has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Signals all processes of a group; false when there is none. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
