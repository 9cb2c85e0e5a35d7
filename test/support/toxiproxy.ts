import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { eventually } from '@tenon/testing'
import { type OwnProcess, run } from './own-process.ts'

/** A way to a server that a test can harm. */
export interface HarmedWay {
  /** Where it begins. */
  readonly port: number
  /** Connections end, and new ones are refused. */
  cut(): Promise<void>
  /** Nothing arrives any more, and nobody says so. */
  freeze(): Promise<void>
  /** Everything that comes from the server comes later. */
  slow(delayMs: number): Promise<void>
  /** It is as it was in the beginning. */
  restore(): Promise<void>
}

/** Toxiproxy in a process of its own. */
export interface Toxiproxy extends AsyncDisposable {
  /** Opens a way to a server on this machine. */
  to(port: number): Promise<HarmedWay>
}

/** @see https://github.com/Shopify/toxiproxy, HTTP API */
export async function startToxiproxy(): Promise<Toxiproxy> {
  const port = await freePort()
  const server = run('toxiproxy-server', ['-host', '127.0.0.1', '-port', String(port)])
  const api = (method: string, path: string, body?: object) => ask(`http://127.0.0.1:${port}${path}`, method, body)
  await eventually(() => api('GET', '/version'), { timeoutMs: 10_000 })
  return {
    to: (upstream) => open(api, upstream),
    [Symbol.asyncDispose]: () => (server satisfies OwnProcess)[Symbol.asyncDispose](),
  }
}

type Api = (method: string, path: string, body?: object) => Promise<unknown>

async function open(api: Api, upstream: number): Promise<HarmedWay> {
  const name = `to-${upstream}-${await freePort()}`
  const way = { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${upstream}`, enabled: true }
  const { listen } = (await api('POST', '/proxies', way)) as { readonly listen: string }
  const path = `/proxies/${name}`
  const add = (toxic: object) => api('POST', `${path}/toxics`, toxic)
  const restore = async () => {
    const toxics = (await api('GET', `${path}/toxics`)) as readonly { readonly name: string }[]
    for (const toxic of toxics) await api('DELETE', `${path}/toxics/${toxic.name}`)
    // With its address: one that was disabled would take another port.
    await api('POST', path, { listen, enabled: true })
  }
  return {
    port: Number(listen.slice(listen.lastIndexOf(':') + 1)),
    cut: async () => void (await api('POST', path, { listen, enabled: false })),
    // A timeout of 0 keeps connections open and drops what comes.
    freeze: async () => {
      for (const stream of ['upstream', 'downstream'])
        await add({ type: 'timeout', stream, attributes: { timeout: 0 } })
    },
    slow: async (delayMs) =>
      void (await add({ type: 'latency', stream: 'downstream', attributes: { latency: delayMs } })),
    restore,
  }
}

async function ask(url: string, method: string, body: object | undefined): Promise<unknown> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`toxiproxy answered ${response.status}: ${text}`)
  return text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as unknown) : text
}

async function freePort(): Promise<number> {
  await using server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
