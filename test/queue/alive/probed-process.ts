import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import type { QueueOptions } from '@tenon/transport-queue'
import { type OwnProcess, runFile } from '../../support/own-process.ts'
import type { BrokerPlace } from '../process/instance-environment.ts'

/** What a probed service in a process of its own is told. */
export interface ProbedInstance {
  readonly broker: BrokerPlace
  readonly topic: string
  readonly group: string
  readonly queue: Pick<QueueOptions, 'stallAfterMs' | 'maxHandlerMs'>
}

/** What it tells. */
export type Told =
  | { readonly is: 'ready'; readonly at: Address }
  | { readonly is: 'began' | 'handled'; readonly id: string }

/** A probed service in a process of its own. Disposing kills it. */
export interface ProbedProcess extends AsyncDisposable {
  readonly process: OwnProcess
  /** Where its probes are. */
  readonly at: Address
  /** The messages that it has told of, by id. */
  told(is: 'began' | 'handled'): readonly string[]
}

/** Starts it, and waits until it is ready. @throws Error when it ends before */
export async function startProbedProcess({ broker, topic, group, queue }: ProbedInstance): Promise<ProbedProcess> {
  const instance: ProbedInstance = { broker, topic, group, queue }
  const own = runFile('test/queue/fixture/probed-service.ts', { [name]: JSON.stringify(instance) })
  const heard: Told[] = []
  own.child.on('message', (told: Told) => void heard.push(told))
  const told = (is: 'began' | 'handled') => heard.flatMap((one) => (one.is === is ? [one.id] : []))
  const early = own.ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${own.output()}`)))
  const ready = eventually(() => heard.find((one) => one.is === 'ready') ?? fail(own), { timeoutMs: 60_000 })
  const { at } = await Promise.race([ready, early])
  return { process: own, at, told, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() }
}

/** @throws Error when the process was not started by a test */
export function readProbed(environment: Readonly<Record<string, string | undefined>>): ProbedInstance {
  const text = environment[name]
  if (text === undefined) throw new Error(`expected ${name} to say what to consume`)
  return JSON.parse(text)
}

function fail({ output }: OwnProcess): never {
  throw new Error(`it is not ready: ${output()}`)
}

const name = 'PROBED_INSTANCE'
