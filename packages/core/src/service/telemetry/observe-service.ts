import type { ConnectionUse } from '../../client/client-transport.ts'
import { type RemoteState, remoteStatesOf } from '../../client/remote-state.ts'
import { observe, type Tell } from '../../telemetry/instrument.ts'
import { recordRuntime } from '../../telemetry/runtime-metrics.ts'

/** What of a service is looked at while it runs. */
export interface ObservedService {
  readonly service: string
  /** Its clients of other services. */
  readonly clients: readonly unknown[]
}

/** Lets the OpenTelemetry SDK that is registered by now look at a service, and at its process, until what it gives is called. */
export function observeService({ service, clients }: ObservedService): () => void {
  const observeClients = () =>
    observe(clientMetrics, (tell) => {
      for (const remote of remoteStatesOf(clients)) tellRemote(tell, service, remote)
    })
  const ends = [recordRuntime(), observeClients()]
  return () => {
    for (const end of ends) end()
  }
}

const clientMetrics = ['tenon.client.channels', 'tenon.client.connections', 'tenon.client.waiting_calls'] as const

/** Sums over its instances, as there may be any number of those; also of states that none is in, for an SDK tells on of what it was told last. */
function tellRemote(
  tell: Tell<(typeof clientMetrics)[number]>,
  service: string,
  { contract, instances }: RemoteState,
): void {
  const attributes = { 'tenon.service': service, 'tenon.client.contract': contract }
  for (const state of channelStates) {
    const count = instances.filter((instance) => instance.state === state).length
    tell('tenon.client.channels', count, { ...attributes, 'tenon.client.channel.state': state })
  }
  const uses = instances.flatMap(({ connections }) => connections ?? [])
  if (uses.length === 0) return
  tell(
    'tenon.client.waiting_calls',
    sumOf(uses, ({ waitingCount }) => waitingCount),
    attributes,
  )
  const idleCount = sumOf(uses, (use) => use.idleCount)
  const activeCount = sumOf(uses, (use) => use.openCount) - idleCount
  for (const [state, count] of [['active', activeCount] as const, ['idle', idleCount] as const])
    tell('tenon.client.connections', count, { ...attributes, 'tenon.client.connection.state': state })
}

const channelStates = ['idle', 'connecting', 'ready', 'failing'] as const

function sumOf(uses: readonly ConnectionUse[], countOf: (use: ConnectionUse) => number): number {
  return uses.reduce((sum, use) => sum + countOf(use), 0)
}
