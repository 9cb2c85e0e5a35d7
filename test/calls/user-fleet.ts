import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { build } from 'esbuild'
import { type OwnProcess, run, temporaryFolder } from '../support/own-process.ts'

/** One instance of the user service, in the process that is its present life. */
export interface UserInstance {
  readonly process: OwnProcess
  /** `127.0.0.1:12345` of a protocol. */
  readonly at: (protocol: string) => string
}

/** What an instance tells: where it listens, or whom it adds. */
interface Told {
  readonly addresses?: readonly Address[]
  readonly added?: string
}

/** Instances of the user service, a process each, which keep their addresses when they are started again. */
export class UserFleet implements AsyncDisposable {
  readonly #program: string
  readonly #instances: UserInstance[] = []
  readonly #started: OwnProcess[] = []
  /** Whom all of them have begun to add, in any life, as often as they did. */
  readonly added: string[] = []

  private constructor(program: string) {
    this.#program = program
  }

  static async start(count: number): Promise<UserFleet> {
    const fleet = new UserFleet(await bundled())
    fleet.#instances.push(...(await Promise.all(Array.from({ length: count }, () => fleet.#launch()))))
    return fleet
  }

  get size(): number {
    return this.#instances.length
  }

  at(protocol: string): readonly string[] {
    return this.#instances.map(({ at }) => at(protocol))
  }

  /** Sends it away as a platform does, and starts it again at the same address. Gives its exit code. */
  async restart(index: number): Promise<number | NodeJS.Signals> {
    return this.#replace(index, 'SIGTERM')
  }

  /** Cuts it off in the middle of all it does, and starts it again at the same address. Gives the signal that ended it. */
  async kill(index: number): Promise<number | NodeJS.Signals> {
    return this.#replace(index, 'SIGKILL')
  }

  /** Resolves when an instance begins to add one of those that are meant. */
  adding(index: number, isMeant: (userId: string) => boolean): Promise<void> {
    const { child } = this.#of(index).process
    return new Promise((resolve) =>
      child.on('message', ({ added }: Told) => {
        if (added !== undefined && isMeant(added)) resolve()
      }),
    )
  }

  /** It does nothing any more, and its connections stay open. */
  freeze(index: number): void {
    this.#of(index).process.child.kill('SIGSTOP')
  }

  thaw(index: number): void {
    this.#of(index).process.child.kill('SIGCONT')
  }

  /** Ends all. Gives their exit codes. */
  stop(): Promise<readonly (number | NodeJS.Signals)[]> {
    return Promise.all(
      this.#instances.map(({ process }) => {
        process.child.kill('SIGTERM')
        return process.ended
      }),
    )
  }

  /** How many of the processes that ever were are still there. */
  get runningCount(): number {
    return this.#started.filter(({ isGroupAlive }) => isGroupAlive()).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((process) => process[Symbol.asyncDispose]()))
  }

  async #replace(index: number, signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    const { process, at } = this.#of(index)
    process.child.kill(signal)
    const ended = await process.ended
    const portOf = (protocol: string) => at(protocol).split(':').at(-1) ?? ''
    this.#instances[index] = await this.#launch({ HTTP_PORT: portOf('http'), GRPC_PORT: portOf('grpc') })
    return ended
  }

  async #launch(ports: Readonly<Record<string, string>> = {}): Promise<UserInstance> {
    const environment = { LOG_LEVEL: 'error', TENON_HOST: ownHost, ...ports }
    const started = run(process.execPath, [this.#program], environment)
    this.#started.push(started)
    let addresses: readonly Address[] | undefined
    started.child.on('message', (told: Told) => {
      addresses ??= told.addresses
      if (told.added !== undefined) this.added.push(told.added)
    })
    const ready = await eventually(() => addresses ?? fail(started), { timeoutMs: 30_000 })
    const at = (protocol: string) => {
      const { host, port } = ready.find((address) => address.protocol === protocol) ?? {}
      return `${host}:${port}`
    }
    return { process: started, at }
  }

  #of(index: number): UserInstance {
    const instance = this.#instances[index]
    if (instance === undefined) throw new RangeError(`there is no instance ${index}`)
    return instance
  }
}

/** Where Linux has it, an address of this run alone, so that nobody takes a port while its instance is away. */
const ownHost =
  process.platform === 'linux' ? `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}` : '127.0.0.1'

/** The fixture as one file: it is started some twenty times, and starts in a third of the time. */
async function bundled(): Promise<string> {
  const outfile = join(await temporaryFolder(), 'user-service.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'fixture/user-service.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@tenon/source'],
    // Libraries in CommonJS ask for Node's modules by require.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
    },
    logLevel: 'warning',
  })
  return outfile
}

function fail({ output }: OwnProcess): never {
  throw new Error(`the instance is not ready, but printed:\n${output()}`)
}
