import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Address } from '@tenon/core'

/** One instance as a balancer sees it. */
export interface Backend {
  readonly isReady: boolean
  at(protocol: string): Address | undefined
  /** Told of a connection that it did not take though it had said that it is ready. */
  refused(protocol: string): void
}

/** One address for all instances of a service, by one protocol. */
export interface Front extends AsyncDisposable {
  readonly protocol: string
  /** `127.0.0.1:12345` */
  readonly address: string
  /** Connections that came while no instance was ready, and were closed. */
  readonly unledCount: number
}

/** Hands connections to the instances that are ready, in turn, without trying a second one. What is connected stays connected. */
export async function startFront(protocol: string, backends: () => Iterable<Backend>): Promise<Front> {
  const sockets = new Set<Socket>()
  let turn = 0
  let unledCount = 0
  const server = createServer({ noDelay: true }, (client) => {
    const ready = [...backends()].filter(({ isReady }) => isReady)
    const backend = ready[turn++ % Math.max(1, ready.length)]
    const address = backend?.at(protocol)
    if (backend && address)
      return join(client, connectTo(address), { sockets, refused: () => backend.refused(protocol) })
    unledCount += 1
    client.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    protocol,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get unledCount() {
      return unledCount
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
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

interface Joining {
  readonly sockets: Set<Socket>
  refused(): void
}

/** Passes bytes both ways; the end of either side is passed on once what came before it is through. */
function join(client: Socket, instance: Socket, { sockets, refused }: Joining): void {
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
    sockets.add(one)
    one.pipe(other)
    one.once('close', () => {
      sockets.delete(one)
      other.destroySoon()
    })
  }
}
