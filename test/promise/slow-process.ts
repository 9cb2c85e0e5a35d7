import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { buildClient, type Client } from '@tenon/core/client'
import { eventually } from '@tenon/testing'
import { slow } from './fixture/slow-contract.ts'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { openChannel } from './shop.ts'

/** What the slow service tells of itself. */
export interface Told {
  /** `left`: the caller of running work is gone. */
  readonly event: 'ready' | 'began' | 'left' | 'ended'
  readonly transport?: string
  readonly name?: string
  readonly addresses?: readonly Address[]
}

/** The slow service in a process of its own. */
export interface SlowProcess extends AsyncDisposable {
  readonly process: OwnProcess
  readonly client: Client<typeof slow>
  /** `127.0.0.1:12345` of a transport, or of `admin`. */
  at(protocol: string): string
  /** What it has told so far of one kind. */
  events(event: Told['event']): readonly Told[]
  post(path: string, name: string): Promise<Response>
  ping(): Promise<Response>
  /** The status of its readiness probe. */
  readiness(): Promise<number>
  /** Lets its work end. */
  release(): void
}

export async function startSlowProcess(environment: Readonly<Record<string, string>> = {}): Promise<SlowProcess> {
  const slowProcess = runFile(join(import.meta.dirname, 'fixture/slow-service.ts'), environment)
  const told: Told[] = []
  slowProcess.child.on('message', (message) => told.push(message as Told))
  const events = (event: Told['event']) => told.filter((one) => one.event === event)
  const ready = await eventually(() => events('ready')[0] ?? fail(slowProcess), { timeoutMs: 30_000 })
  const at = (protocol: string) => {
    const { host, port } = ready.addresses?.find((address) => address.protocol === protocol) ?? {}
    return `${host}:${port}`
  }
  const channel = openChannel(slow, at('grpc'))
  const headers = { 'content-type': 'application/json' }
  return {
    process: slowProcess,
    client: buildClient(slow, channel),
    at,
    events,
    post: (path, name) =>
      fetch(`http://${at('http')}${path}`, { method: 'POST', headers, body: JSON.stringify({ name }) }),
    ping: () => fetch(`http://${at('http')}/v1/ping`),
    readiness: async () => (await fetch(`http://${at('admin')}/readyz`)).status,
    release: () => void slowProcess.child.send({}),
    [Symbol.asyncDispose]: async () => {
      await slowProcess[Symbol.asyncDispose]()
      await channel.close()
    },
  }
}

function fail({ output }: OwnProcess): never {
  throw new Error(`the service is not ready, but printed:\n${output()}`)
}
