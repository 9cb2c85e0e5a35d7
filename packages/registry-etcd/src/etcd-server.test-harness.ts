import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'

const binary = process.env['ETCD_BIN'] ?? 'etcd'

/** Why tests with an etcd of their own are skipped; undefined when they run. `TENON_REQUIRE_INFRA=1` makes a missing one fail instead. */
export const etcdAbsence: string | undefined =
  process.env['TENON_REQUIRE_INFRA'] === '1' || spawnSync(binary, ['--version']).error === undefined
    ? undefined
    : 'etcd is not on the PATH, and ETCD_BIN does not name it'

/** A member of an etcd of the test's own, which it may kill, freeze and start again. */
export class EtcdServer implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tenon-etcd-'))
  readonly #args: readonly string[]
  readonly #metrics: string
  readonly address: string
  #process: ChildProcess | undefined

  private constructor({ client, metrics }: { client: string; metrics: string }, args: readonly string[]) {
    this.address = client
    this.#metrics = metrics
    this.#args = [...args, '--listen-metrics-urls', metrics]
  }

  get port(): number {
    return Number(this.address.split(':').at(-1))
  }

  static async start(args: readonly string[] = []): Promise<EtcdServer> {
    const [server] = await EtcdServer.cluster(1, args)
    return server as EtcdServer
  }

  /** Members that know each other. With certificates in `args` clients have to speak TLS. */
  static async cluster(count: number, args: readonly string[] = []): Promise<readonly EtcdServer[] & AsyncDisposable> {
    const scheme = args.includes('--cert-file') ? 'https' : 'http'
    const members = await Promise.all(
      Array.from({ length: count }, async (_, index) => ({
        name: `m${index}`,
        client: `127.0.0.1:${await freePort()}`,
        peer: `http://127.0.0.1:${await freePort()}`,
        metrics: `http://127.0.0.1:${await freePort()}`,
      })),
    )
    const initial = members.map(({ name, peer }) => `${name}=${peer}`).join(',')
    const servers = members.map(({ name, client, peer, metrics }) => {
      const urls = ['--listen-client-urls', `${scheme}://${client}`, '--advertise-client-urls', `${scheme}://${client}`]
      const peers = ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', initial]
      const others = ['--unsafe-no-fsync', '--logger', 'zap', '--log-level', 'error', '--name', name]
      return new EtcdServer({ client, metrics }, [...urls, ...peers, ...others, ...args])
    })
    for (const server of servers) server.#spawn()
    const end = async () => {
      for (const server of servers) await server[Symbol.asyncDispose]()
    }
    try {
      await Promise.all(servers.map((server) => server.#ready()))
    } catch (error) {
      await end()
      throw error
    }
    return Object.assign(servers, { [Symbol.asyncDispose]: end })
  }

  /** Starts it with the data that it had. */
  async launch(): Promise<void> {
    this.#spawn()
    await this.#ready()
  }

  async kill(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGKILL')
    await ended
  }

  /** Forgets everything that it was told. It must be down. */
  forget(): void {
    rmSync(join(this.#folder, 'data'), { recursive: true, force: true })
  }

  /** Lets it stand still: it answers nobody, and its connections stay open. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async put(key: string, value: string): Promise<void> {
    await askGateway(this.address, 'kv/put', { key: toBase64(key), value: toBase64(value) })
  }

  async remove(key: string): Promise<void> {
    await askGateway(this.address, 'kv/deleterange', { key: toBase64(key) })
  }

  /** Forgets all revisions but the last one. */
  async compact(): Promise<void> {
    const { header } = (await askGateway(this.address, 'kv/range', { key: toBase64('a') })) as {
      header: { revision: string }
    }
    await askGateway(this.address, 'kv/compaction', { revision: header.revision, physical: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #spawn(): void {
    this.#process = spawn(binary, ['--data-dir', join(this.#folder, 'data'), ...this.#args], { stdio: 'ignore' })
  }

  async #ready(): Promise<void> {
    const check = async () => {
      const { health } = (await (await fetch(`${this.#metrics}/health`)).json()) as { health: string }
      if (health !== 'true') throw new Error(`etcd is not healthy: ${health}`)
    }
    await eventually(check, { timeoutMs: 15_000, intervalMs: 50 })
  }
}

/** Asks etcd what the package itself never does. @see etcd, the JSON gateway of its gRPC methods */
export async function askGateway(address: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(`http://${address}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${text}`)
  return JSON.parse(text)
}

/** A text as the gateway takes and gives keys and values. */
export function toBase64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64')
}

/**
 * A port that the system gives nobody by itself: a member that is away must find its port free when it comes back.
 *
 * @see Linux, ip_local_port_range: from 32,768 on by default
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    const server = createServer()
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
