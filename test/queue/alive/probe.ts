import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Address } from '@tenon/core'
import type { ConsumerReport } from '@tenon/transport-queue'

/** What a probe answers. */
export interface ProbeAnswer {
  readonly status: number | undefined
  readonly body: unknown
}

/** Where the probes of a service are. @throws Error when it has none */
export function probesOf(addresses: readonly Address[]): Address {
  const found = addresses.find(({ protocol }) => protocol === 'admin')
  if (found === undefined) throw new Error('expected a service with probes')
  return found
}

/** Asks a probe over a connection of its own. Waits for ever unless a signal fires. @throws Error when it does not answer */
export async function ask({ host, port }: Address, path: string, signal?: AbortSignal): Promise<ProbeAnswer> {
  const [response]: IncomingMessage[] = await once(
    get({ host, port, path, agent: false, ...(signal && { signal }) }),
    'response',
  )
  return { status: response?.statusCode, body: JSON.parse(response ? await text(response) : '') }
}

/** `200 503` for a service that is live and not ready. */
export async function statusesOf(at: Address, signal?: AbortSignal): Promise<string> {
  const answers = await Promise.all(['/livez', '/readyz'].map((path) => ask(at, path, signal)))
  return answers.map(({ status }) => status).join(' ')
}

/** Why it is not live, or not ready, as `/livez?verbose` tells; empty when it is both. */
export async function reasonOf(at: Address): Promise<string> {
  const { checks } = (await ask(at, '/livez?verbose')).body as {
    readonly checks: readonly { readonly name: string; readonly message?: string }[]
  }
  const told = checks.filter(({ name }) => name === 'queue').flatMap(({ message }) => message ?? [])
  return [...new Set(told)].join('; ')
}

/** What `/info` tells of the only consumer. */
export async function consumerAt(at: Address): Promise<Pick<ConsumerReport, 'state' | 'partitions' | 'failure'>> {
  const { transports } = (await ask(at, '/info')).body as {
    readonly transports: { readonly queue: { readonly consumers: readonly ConsumerReport[] } }
  }
  const [consumer] = transports.queue.consumers
  if (consumer === undefined) throw new Error('expected a consumer')
  return consumer
}

/** What both probes of a service have answered since they are asked all the time. */
export interface ProbeWatch extends Disposable {
  /** Each pair of statuses once, in the order in which they came first. */
  readonly seen: readonly string[]
  /** How often both were asked. */
  readonly askedCount: number
}

/** Asks the probes of a service again and again, as a platform does, only more often. */
export function watchProbes(at: Address): ProbeWatch {
  const over = new AbortController()
  const seen = new Set<string>()
  let askedCount = 0
  const look = async () => {
    for (; !over.signal.aborted; await wait(intervalMs)) {
      seen.add(await statusesOf(at, over.signal).catch(() => (over.signal.aborted ? settled : 'no answer')))
      askedCount += 1
    }
  }
  void look()
  return {
    get seen() {
      return [...seen]
    },
    get askedCount() {
      return askedCount
    },
    [Symbol.dispose]: () => over.abort(),
  }
}

/** What is asked when the watch ends counts as well. */
const settled = '200 200'
const intervalMs = 20
