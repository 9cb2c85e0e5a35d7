import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Address } from '@tenon/core'
import { copyLabelled, type LineLabel } from './line-label.ts'

/** A service that runs in a process of its own. */
export interface ServiceProcess {
  readonly name: string
  /** Where it can be reached; undefined when it ends before it is ready. */
  readonly ready: Promise<ReadyService | undefined>
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** Lets it drain. */
  stop(): void
  /** Ends it at once. */
  kill(): void
}

export interface ReadyService {
  readonly name: string
  readonly processId: number
  readonly addresses: readonly Address[]
}

export interface ProcessEnd {
  /** As a shell counts: 128 and the number of the signal for a process that one ended. */
  readonly exitCode: number
  /** For people: `exit code 1`, `SIGKILL`. */
  readonly reason: string
  /** Whether it has told on standard error why it could not start. */
  readonly isExplained: boolean
}

/**
 * Starts a service by its name. At a terminal its lines come after the label; elsewhere they come as they are, of which those of its log
 * are JSON that names the service.
 */
export function startService(name: string, label: LineLabel): ServiceProcess {
  const [output, errors] = [copied(process.stdout), copied(process.stderr)]
  // A group of its own: Ctrl-C reaches only this process, which decides who stops first.
  const child = fork(program, [name], { detached: true, stdio: ['inherit', output, errors, 'ipc'] })
  if (child.stdout) copyLabelled(child.stdout, process.stdout, label)
  if (child.stderr) copyLabelled(child.stderr, process.stderr, label)
  const ready = toReady(child, name)
  let isStopping = false
  return {
    name,
    ready,
    ended: toEnd(child, { ready, isStopping: () => isStopping }),
    stop: () => {
      isStopping = true
      child.kill('SIGTERM')
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function copied({ isTTY }: NodeJS.WriteStream): 'pipe' | 'inherit' {
  return isTTY ? 'pipe' : 'inherit'
}

const program = fileURLToPath(new URL('./service-program.ts', import.meta.url))

async function toReady(child: ChildProcess, name: string): Promise<ReadyService | undefined> {
  const ended = once(child, 'exit').then(() => [])
  const [addresses] = (await Promise.race([once(child, 'message'), ended])) as [(readonly Address[])?]
  return addresses && { name, processId: child.pid ?? 0, addresses }
}

interface EndSurroundings {
  readonly ready: Promise<ReadyService | undefined>
  isStopping(): boolean
}

async function toEnd(child: ChildProcess, { ready, isStopping }: EndSurroundings): Promise<ProcessEnd> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  const wasReady = (await ready) !== undefined
  // A process that was stopped before it could listen to signals had nothing to drain.
  const isClean = signal === 'SIGTERM' && isStopping() && !wasReady
  const exitCode = isClean ? 0 : (code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
  return { exitCode, reason: signal ?? `exit code ${exitCode}`, isExplained: code === 1 && !wasReady }
}
