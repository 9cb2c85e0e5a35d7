import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AllocationProfile } from './profile/allocation-profile.ts'
import type { TimeProfile } from './profile/time-profile.ts'
import type { Turn, TurnResult } from './server/queue-turn.ts'

/** What a program under measurement tells of itself. */
export interface Usage {
  /** User and system time since its start, in microseconds. */
  readonly cpuMicroseconds: number
  readonly rssBytes: number
  /** Heap and buffers in use; without garbage when that was asked for. */
  readonly liveBytes: number
}

/** What V8 tells of a program, by what it was asked for. */
interface Profiles {
  readonly time: TimeProfile
  readonly allocation: AllocationProfile
}

export interface ChildOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** The core that it has to itself. @defaultValue 0 */
  readonly core?: number
}

/** A program under measurement, on a core of its own where that can be had. */
export class Child implements AsyncDisposable {
  readonly port: number
  /** Where its probes are; undefined where it does not say. */
  readonly adminPort: number | undefined
  /** From spawning to its word that it is ready. */
  readonly startMs: number
  readonly #process: ChildProcess
  /** Fires when it ends, so that nobody waits for the word of a program that is gone. */
  readonly #ended = new AbortController()

  private constructor(child: ChildProcess, { port, adminPort, startMs, program }: Started) {
    this.#process = child
    this.port = port
    this.adminPort = adminPort
    this.startMs = startMs
    child.once('exit', (code) => this.#ended.abort(new Error(`${program} ended with code ${code} while it was needed`)))
  }

  /** Starts a compiled program, as users run them: `dist/server/tenon-http`. */
  static async start(program: string, { environment = {}, core = 0 }: ChildOptions = {}): Promise<Child> {
    const path = fileURLToPath(new URL(`../${program}.js`, import.meta.url))
    const [command, ...args] = [...onCore(core), process.execPath, path]
    if (command === undefined) throw new Error('nothing to start')
    const startedAt = performance.now()
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        ...process.env,
        NODE_ENV: 'production',
        LOG_LEVEL: 'silent',
        ...environment,
      },
    })
    const [ready] = (await Promise.race([once(child, 'message'), failed(child, program)])) as [
      { readonly port: number; readonly adminPort?: number },
    ]
    const { port, adminPort } = ready
    return new Child(child, { port, adminPort, startMs: performance.now() - startedAt, program })
  }

  /** @param question `live` collects garbage first. */
  async usage(question: 'usage' | 'live' = 'usage'): Promise<Usage> {
    this.#process.send(question)
    const [usage] = (await this.#word()) as [Usage]
    return usage
  }

  /** Where its time or its memory went while something ran. */
  async profile<Kind extends keyof Profiles>(kind: Kind, run: () => Promise<unknown>): Promise<Profiles[Kind]> {
    this.#process.send(`profile ${kind}`)
    await this.#word()
    await run()
    this.#process.send('profiled')
    const [profile] = (await this.#word()) as [Profiles[Kind]]
    return profile
  }

  /** Lets it do a turn. `joined` is called when it takes messages. */
  async turn(turn: Turn, joined: () => Promise<unknown> = async () => undefined): Promise<TurnResult> {
    // One listener for all three answers, which may come at once.
    const answers = on(this.#process, 'message', { signal: this.#ended.signal })
    this.#process.send(turn)
    await answers.next()
    const joining = joined()
    const { value } = await Promise.race([answers.next(), onlyFailing(joining)])
    const [result] = value as [TurnResult]
    await answers.next()
    await answers.return?.()
    await joining
    return result
  }

  /** Lets it begin a turn that nobody waits for, and resolves when it takes messages. */
  async begin(turn: Turn): Promise<void> {
    this.#process.send(turn)
    await this.#word()
  }

  /** Asks what the program alone understands. */
  async ask<Answer>(question: object): Promise<Answer> {
    const answered = this.#word()
    this.#process.send(question)
    const [answer] = (await answered) as [Answer]
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended.signal.aborted) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }

  #word(): Promise<unknown[]> {
    return once(this.#process, 'message', { signal: this.#ended.signal })
  }
}

interface Started {
  readonly port: number
  readonly adminPort: number | undefined
  readonly startMs: number
  readonly program: string
}

/** What the work fails with; never settles otherwise. */
async function onlyFailing(work: Promise<unknown>): Promise<never> {
  await work
  return new Promise(() => undefined)
}

/** Moves this process, which makes the load, off the core of the programs under measurement. */
export async function moveLoadAside(): Promise<void> {
  if (!existsSync(taskset)) return
  await once(spawn(taskset, ['-a', '-c', '-p', '1', String(process.pid)], { stdio: 'ignore' }), 'exit')
}

/**
 * Keeps this process from sleeping while it makes load. Waking a sleeper on another core is charged to the server that
 * writes to it, at up to 10 µs a request, and the faster a server is, the fewer sleepers it meets.
 */
export function stayAwake(): Disposable {
  let isOn = true
  const turn = () => void (isOn && setImmediate(turn))
  turn()
  return { [Symbol.dispose]: () => void (isOn = false) }
}

const taskset = '/usr/bin/taskset'

function onCore(core: number): readonly string[] {
  return existsSync(taskset) ? [taskset, '-c', String(core)] : []
}

async function failed(child: ChildProcess, program: string): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null]
  throw new Error(`${program} ended with code ${code} before it was ready`)
}
