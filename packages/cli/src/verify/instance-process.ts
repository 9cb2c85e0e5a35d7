import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Address } from '@tenon/core'
import type {
  EndedMessage,
  GroupLag,
  HandledMessage,
  InstanceMessage,
  InstanceTask,
  PhaseMessage,
  ReadyMessage,
  TimedPhase,
} from '../instance/instance-message.ts'

/** How the process of an instance ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One instance of a service in a process of its own. */
export interface InstanceProcess extends AsyncDisposable {
  readonly pid: number
  /** What it told when it was ready; rejects when it ended before, with what it has printed. */
  readonly ready: Promise<ReadyMessage>
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** What it told of its shutdown; undefined unless it did. */
  readonly told: EndedMessage | undefined
  /** The phases of its start that have ended. */
  readonly startPhases: readonly TimedPhase[]
  /** Those of its stop, with what it told of errors at its end. */
  readonly stopPhases: readonly TimedPhase[]
  /** The phase of its stop that has begun and not ended. */
  readonly runningPhase: string | undefined
  /** Where it listens; nowhere before it is ready. */
  readonly addresses: readonly Address[]
  at(protocol: string): Address | undefined
  /** The last lines that it has printed. */
  output(): string
  signal(signal: NodeJS.Signals): void
  /** What its consumers have not committed; undefined when it does not answer in time. */
  lags(timeoutMs: number): Promise<readonly GroupLag[] | undefined>
}

export interface InstanceListener {
  handled(message: HandledMessage): void
}

/** Starts an instance with this process's own loader. Its output is kept, not shown. */
export function startInstance(childFile: string, task: InstanceTask, listener: InstanceListener): InstanceProcess {
  const child = spawn(process.execPath, [...process.execArgv, childFile, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { LOG_LEVEL: 'warn', ...process.env },
  })
  return new Instance(child, listener)
}

/** Lines that are kept of what an instance prints. */
const keptLineCount = 40

class Instance implements InstanceProcess {
  readonly ready: Promise<ReadyMessage>
  readonly ended: Promise<ProcessEnd>
  readonly #child: ChildProcess
  readonly #ready = Promise.withResolvers<ReadyMessage>()
  #lags: ((groups: readonly GroupLag[]) => void) | undefined
  #addresses: readonly Address[] = []
  #told: EndedMessage | undefined
  readonly #phases: PhaseMessage[] = []
  #lines: readonly string[] = []

  constructor(child: ChildProcess, listener: InstanceListener) {
    this.#child = child
    this.ready = this.#ready.promise
    this.ready.catch(() => undefined)
    child.on('message', (message: InstanceMessage) => this.#hear(message, listener))
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#lines = [...this.#lines, ...text.split('\n').filter((line) => line !== '')].slice(-keptLineCount)
      })
    this.ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
      this.#ready.reject(new Error(`it ended before it was ready:\n${this.output()}`))
      return { code: code as number | null, signal: signal as NodeJS.Signals | null }
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get told(): EndedMessage | undefined {
    return this.#told
  }

  get startPhases(): readonly TimedPhase[] {
    return this.#ended('start')
  }

  get stopPhases(): readonly TimedPhase[] {
    return this.#told?.phases ?? this.#ended('stop')
  }

  get runningPhase(): string | undefined {
    const ended = new Set(this.#ended('stop').map(({ phase }) => phase))
    return this.#phases.findLast(({ stage, phase }) => stage === 'stop' && !ended.has(phase))?.phase
  }

  get addresses(): readonly Address[] {
    return this.#addresses
  }

  at(protocol: string): Address | undefined {
    return this.#addresses.find((address) => address.protocol === protocol)
  }

  output(): string {
    return this.#lines.join('\n')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async lags(timeoutMs: number): Promise<readonly GroupLag[] | undefined> {
    const { promise, resolve } = Promise.withResolvers<readonly GroupLag[] | undefined>()
    this.#lags = resolve
    const timer = setTimeout(() => resolve(undefined), timeoutMs)
    this.#child.send('lags', () => undefined)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #ended(stage: PhaseMessage['stage']): readonly TimedPhase[] {
    return this.#phases.flatMap(({ durationMs, phase, stage: of }) =>
      of === stage && durationMs !== undefined ? [{ phase, durationMs }] : [],
    )
  }

  #hear(message: InstanceMessage, listener: InstanceListener): void {
    switch (message.event) {
      case 'ready':
        this.#addresses = message.addresses
        return this.#ready.resolve(message)
      case 'phase':
        this.#phases.push(message)
        return
      case 'handled':
        return listener.handled(message)
      case 'ended':
        this.#told = message
        return
      case 'lag':
        return this.#lags?.(message.groups)
    }
  }
}
