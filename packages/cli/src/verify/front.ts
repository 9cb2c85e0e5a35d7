import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Address } from '@tenon/core'
import type { BalancerReport, ReadyBackend } from './balancer-message.ts'

/** One address for all instances of a service, by one protocol. */
export interface Front {
  readonly protocol: string
  /** `127.0.0.1:12345` */
  readonly address: string
  /** Who takes connections from now on. What is connected stays connected. */
  lead(ready: readonly ReadyBackend[]): void
}

/** Hands connections to the instances that are ready, in turn, without trying a second one. */
export async function startFront(protocol: string, tell: (report: BalancerReport) => void): Promise<Front> {
  let backends: readonly ReadyBackend[] = []
  let turn = 0
  const server = createServer({ noDelay: true }, (client) => {
    const backend = backends[turn++ % Math.max(1, backends.length)]
    const address = backend?.addresses.find((one) => one.protocol === protocol)
    if (backend && address)
      return join(client, connectTo(address), () => tell({ kind: 'refused', id: backend.id, protocol }))
    tell({ kind: 'unled' })
    client.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    protocol,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead: (ready) => (backends = ready),
  }
}

/** A wildcard is an address to listen on, not one to call. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function connectTo({ host, port }: Address): Socket {
  return connect({ port, host: reachable(host), noDelay: true })
}

/** Passes bytes both ways; the end of either side is passed on once what came before it is through. */
function join(client: Socket, instance: Socket, refused: () => void): void {
  let isConnected = false
  instance.once('connect', () => (isConnected = true))
  instance.once('error', () => {
    if (!isConnected) refused()
    client.destroy()
  })
  client.once('error', () => instance.destroy())
  for (const [one, other] of [
    [client, instance],
    [instance, client],
  ] as const) {
    one.pipe(other)
    one.once('close', () => other.destroySoon())
  }
}
