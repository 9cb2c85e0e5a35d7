import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { eventually } from '@tenon/testing'

/** One instance behind a balancer. */
export interface Backend {
  readonly port: number
  /** Where its readiness is asked. */
  readonly adminPort: number
}

export interface TcpBalancer extends AsyncDisposable {
  readonly port: number
  /** Connections that no instance took. */
  readonly refusedCount: number
  /** Adds an instance and resolves when it was found ready. */
  add(backend: Backend): Promise<void>
  remove(backend: Backend): void
}

/** As often as a balancer asks that is quick to act; what counts is that it acts only on what it was told. */
const probeIntervalMs = 50

/** Hands connections to the instances whose last probe was answered 200, in turn. What is connected stays connected. */
export async function startTcpBalancer(): Promise<TcpBalancer> {
  const readiness = new Map<Backend, boolean>()
  const sockets = new Set<Socket>()
  let turn = 0
  let refusedCount = 0
  const server = createServer({ noDelay: true }, (client) => {
    const ready = [...readiness].filter(([, isReady]) => isReady).map(([backend]) => backend)
    const backend = ready[turn++ % ready.length]
    const refuse = () => {
      refusedCount += 1
      client.destroy()
    }
    if (backend === undefined) return refuse()
    join(client, connect({ port: backend.port, host: '127.0.0.1', noDelay: true }), { sockets, refuse })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const timer = setInterval(() => {
    for (const backend of readiness.keys()) void probe(backend, readiness)
  }, probeIntervalMs)
  return {
    port: (server.address() as AddressInfo).port,
    get refusedCount() {
      return refusedCount
    },
    add: async (backend) => {
      readiness.set(backend, false)
      await eventually(() => {
        if (readiness.get(backend) !== true) throw new Error(`the instance at ${backend.port} is not ready`)
      })
    },
    remove: (backend) => void readiness.delete(backend),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function probe(backend: Backend, readiness: Map<Backend, boolean>): Promise<void> {
  const url = `http://127.0.0.1:${backend.adminPort}/readyz`
  const isReady = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
  if (readiness.has(backend)) readiness.set(backend, isReady)
}

interface Joining {
  readonly sockets: Set<Socket>
  /** Called when the instance cannot be reached. */
  readonly refuse: () => void
}

/** Passes bytes both ways; the end of either side is passed on once what came before it is through. */
function join(client: Socket, instance: Socket, { sockets, refuse }: Joining): void {
  instance.once('error', () => (instance.bytesRead === 0 && instance.bytesWritten === 0 ? refuse() : client.destroy()))
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
