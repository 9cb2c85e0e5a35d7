import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { userEnvironment } from './command.ts'

/** The hello service in a process of its own. Disposing kills it. */
export interface HelloProcess extends AsyncDisposable {
  /** `host:port` of a protocol. */
  address(protocol: string): string
  /** Asks it to stop as Kubernetes does, and gives its exit code, or the signal that ended it. */
  terminate(): Promise<number | string>
}

interface ReadyLine {
  readonly addresses?: readonly { readonly protocol: string; readonly host: string; readonly port: number }[]
}

/**
 * Starts the service and resolves when it has logged that it is ready.
 *
 * @throws Error with all of its output, when it ends first.
 */
export async function startHello(folder: string, args: readonly string[]): Promise<HelloProcess> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: userEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => signal ?? code ?? 1)
  const ready = Promise.withResolvers<NonNullable<ReadyLine['addresses']>>()
  createInterface(child.stderr).on('line', (line) => lines.push(line))
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    const { addresses } = line.startsWith('{') ? (JSON.parse(line) as ReadyLine) : {}
    if (addresses) ready.resolve(addresses)
  })
  const failed = ended.then((end) => {
    throw new Error(`"node ${args.join(' ')}" ended with ${end} before it was ready:\n${lines.join('\n')}`)
  })
  const addresses = await Promise.race([ready.promise, failed])
  return {
    address: (protocol) => {
      const found = addresses.find((address) => address.protocol === protocol)
      if (found === undefined) throw new Error(`no ${protocol} address in ${JSON.stringify(addresses)}`)
      return `${found.host}:${found.port}`
    },
    terminate: async () => {
      child.kill('SIGTERM')
      return ended
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
