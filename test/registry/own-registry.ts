import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { eventually } from '@tenon/testing'
import { type OwnProcess, run } from '../support/own-process.ts'

/** A registry's server in a process of its own. */
export interface OwnRegistry extends AsyncDisposable {
  readonly port: number
  /** As a power cut does it. */
  kill(): Promise<void>
  /** Resolves when it answers. */
  start(): Promise<void>
}

/** Consul in development mode: it keeps nothing, so that one that was killed knows nobody. */
export async function ownConsul(): Promise<OwnRegistry> {
  const [port, serverPort, lanPort] = await Promise.all([freePort(), freePort(), freePort()])
  const args = ['agent', '-dev', '-log-level', 'error', '-bind', '127.0.0.1', '-http-port', String(port)]
  const others = ['-dns-port', '-1', '-grpc-port', '-1', '-grpc-tls-port', '-1', '-serf-wan-port', '-1']
  const own = ['-server-port', String(serverPort), '-serf-lan-port', String(lanPort)]
  return ownRegistry(port, {
    start: () => run('consul', [...args, ...others, ...own]),
    isReady: async () => /:\d/.test(await ask(`http://127.0.0.1:${port}/v1/status/leader`)),
  })
}

/** etcd, which keeps what it has in a folder. */
export async function ownEtcd(folder: string): Promise<OwnRegistry> {
  const [port, peerPort] = await Promise.all([freePort(), freePort()])
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
  const args = ['--name', 'own', '--data-dir', folder, '--unsafe-no-fsync', '--log-level', 'error']
  const places = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
  const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', `own=${peer}`]
  return ownRegistry(port, {
    start: () => run('etcd', [...args, ...places, ...cluster]),
    isReady: async () => (await ask(`${client}/health`)).includes('"health":"true"'),
  })
}

interface Server {
  start(): OwnProcess
  isReady(): Promise<boolean>
}

async function ownRegistry(port: number, server: Server): Promise<OwnRegistry> {
  let process: OwnProcess | undefined
  const kill = async () => void (await process?.[Symbol.asyncDispose]())
  const start = async () => {
    process = server.start()
    const ready = async () => {
      if (!(await server.isReady())) throw new Error(`the registry does not answer yet: ${process?.output()}`)
    }
    await eventually(ready, { timeoutMs: 30_000, intervalMs: 50 })
  }
  await start()
  return { port, kill, start, [Symbol.asyncDispose]: kill }
}

async function ask(url: string): Promise<string> {
  const response = await fetch(url)
  return response.text()
}

async function freePort(): Promise<number> {
  await using server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
