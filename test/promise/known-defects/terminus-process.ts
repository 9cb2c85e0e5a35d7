import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { type OwnProcess, runFile } from '../../support/own-process.ts'

/** Terminus as it is, or adapted to one service, or to a service for each of the two servers. */
export type TerminusKind = 'bare' | 'bare with useExit0' | 'one service' | 'two services'

/** Two servers with terminus on them in a process of their own. */
export interface TerminusProcess extends AsyncDisposable {
  readonly process: OwnProcess
  readonly busy: string
  readonly idle: string
  /** How often it has told of this. */
  count(event: 'arrived' | 'signal' | 'hanging'): number
  /** Lets requests to `/slow` end. */
  release(): void
}

interface Told {
  readonly event: string
  readonly ports?: readonly number[]
}

export async function startTerminus(
  kind: TerminusKind,
  environment: Readonly<Record<string, string>> = {},
): Promise<TerminusProcess> {
  const file = join(import.meta.dirname, '../fixture/terminus-service.ts')
  const own = runFile(file, { TERMINUS: kind, ...environment })
  const told: Told[] = []
  own.child.on('message', (message) => told.push(message as Told))
  const ready = await eventually(
    () => {
      const first = told.find(({ event }) => event === 'ready')
      if (first === undefined) throw new Error(`the servers are not ready, but printed:\n${own.output()}`)
      return first
    },
    { timeoutMs: 30_000 },
  )
  const [busy, idle] = (ready.ports ?? []).map((port) => `http://127.0.0.1:${port}`)
  return {
    process: own,
    busy: busy ?? '',
    idle: idle ?? '',
    count: (event) => told.filter((one) => one.event === event).length,
    release: () => void own.child.send({}),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  }
}

/** What comes of a request: its text, or that it was lost. */
export async function outcomeOf(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text()
  } catch {
    return 'lost'
  }
}
