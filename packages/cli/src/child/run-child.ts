import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { loaderArguments } from '../module/loader-arguments.ts'
import type { ExitCode, Surroundings } from '../command/command.ts'
import type { ChildTask } from './child-task.ts'

/**
 * Runs a task in a process that can import the file, which writes on this process's outputs, and gives its exit code. What ends
 * this process by a signal ends the other one first; when this one is killed, the other learns it from the channel between them.
 */
export async function runChild(task: ChildTask, file: string, { childFile }: Surroundings): Promise<ExitCode> {
  const args = [...loaderArguments(file), childFile, JSON.stringify(task)]
  const child = spawn(process.execPath, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  const pass = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of passed) process.on(signal, pass)
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return toExitCode(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
  } finally {
    for (const signal of passed) process.off(signal, pass)
  }
}

const passed = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Whatever else ended it, nothing can be said. */
function toExitCode(code: number): ExitCode {
  return code === 0 || code === 1 ? code : 2
}
