import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Instance } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { toServiceRecord } from './consul-mapping.ts'

const program = process.env['CONSUL_BIN'] ?? 'consul'
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'

/** Why tests with an agent of their own are skipped; undefined when they run. */
export const consulAbsence: string | undefined =
  isRequired || spawnSync(program, ['version']).error === undefined
    ? undefined
    : 'CONSUL_BIN names no program of Consul, and there is none on the PATH'

/** What is allowed everything. */
const managementToken = '5e7a11ce-0000-4000-8000-00000000c051'

/**
 * An agent of Consul of the test's own, which it may kill and start again. A server is in memory: it forgets everything then, as
 * one does that lost its disk.
 */
export class OwnConsul implements AsyncDisposable {
  readonly address: string
  readonly #ports: readonly number[]
  readonly #arguments: readonly string[]
  readonly #folder: string | undefined
  #process: ChildProcess | undefined

  private constructor(ports: readonly number[], arguments_: readonly string[], folder?: string) {
    this.address = `127.0.0.1:${ports[0]}`
    this.#ports = ports
    this.#arguments = arguments_
    this.#folder = folder
  }

  static async start({ hasAcl = false } = {}): Promise<OwnConsul> {
    const ports = await freePorts()
    // An agent removes services from the catalog with a token of its own.
    const tokens = `tokens { initial_management = "${managementToken}" agent = "${managementToken}" }`
    const acl = `acl { enabled = true default_policy = "deny" ${tokens} }`
    const consul = new OwnConsul(ports, hasAcl ? ['-dev', '-hcl', acl] : ['-dev'])
    await consul.launch()
    return consul
  }

  /** An agent that is no server and asks this one, as those of most machines are. It keeps what it was told when it is killed. */
  async startClient(): Promise<OwnConsul> {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-consul-'))
    const servers = ['-retry-join', `127.0.0.1:${this.#ports[2]}`, '-retry-interval', '1s']
    const client = new OwnConsul(await freePorts(), ['-node', 'client', '-data-dir', folder, ...servers], folder)
    await client.launch()
    return client
  }

  get port(): number {
    return this.#ports[0] ?? 0
  }

  async launch(): Promise<void> {
    const [http, server, serf] = this.#ports
    const ports = `ports { http = ${http} server = ${server} serf_lan = ${serf} serf_wan = -1 dns = -1 grpc = -1 grpc_tls = -1 }`
    const bind = ['-log-level', 'error', '-bind', '127.0.0.1', '-hcl', ports]
    const child = spawn(program, ['agent', ...bind, ...this.#arguments], { stdio: 'ignore' })
    this.#process = child
    const missing = once(child, 'error').then(([error]) => {
      throw new Error(`${program} cannot be run: CONSUL_BIN names the program of Consul`, { cause: error })
    })
    try {
      await Promise.race([missing, this.#answers()])
    } catch (error) {
      await this.kill()
      throw error
    }
  }

  /** Until it has a leader, and its own node is in the catalog. */
  async #answers(): Promise<void> {
    await eventually(async () => {
      const leader = await fetch(`http://${this.address}/v1/status/leader`)
      if (!(await leader.text()).includes(':')) throw new Error('no leader yet')
      const list = await this.ask('GET', 'catalog/service/consul')
      if (!Array.isArray(list) || list.length === 0) throw new Error('not synchronized yet')
    }, waiting)
  }

  async kill(): Promise<void> {
    const killed = this.#process
    this.#process = undefined
    if (killed?.pid === undefined || killed.exitCode !== null || killed.signalCode !== null) return
    const ended = once(killed, 'exit')
    killed.kill('SIGKILL')
    await ended
  }

  /** Speaks to the agent beside everything that is tested, with the token that may do all. */
  async ask(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const text =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const reply = await fetch(`http://${this.address}/v1/${path}`, {
      method,
      headers: { 'x-consul-token': managementToken },
      ...(text !== undefined && { body: text as string | Uint8Array<ArrayBuffer> }),
    })
    const said = await reply.text()
    if (!reply.ok) throw new Error(`Consul answered ${reply.status} to ${path}: ${said}`)
    return said === '' ? undefined : (JSON.parse(said) as unknown)
  }

  /** Shows an instance as a service of a node without an agent: 1,000 registered by one process would take a connection each. */
  async publish(instance: Instance): Promise<void> {
    const { ID, Name, ...service } = toServiceRecord(instance, { id: 'published', revision: 1 }, [])
    const body = {
      Node: 'elsewhere',
      Address: '10.0.0.9',
      SkipNodeUpdate: true,
      Service: { ID, Service: Name, ...service },
    }
    await this.ask('PUT', 'catalog/register', body)
  }

  /** A token with these rules. */
  async token(rules: string): Promise<string> {
    const name = `test-${randomInt(2 ** 32)}`
    await this.ask('PUT', 'acl/policy', { Name: name, Rules: rules })
    const made = await this.ask('PUT', 'acl/token', { Policies: [{ Name: name }] })
    return (made as { SecretID: string }).SecretID
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true })
  }
}

const waiting = { timeoutMs: 30_000, intervalMs: 50 } as const

function freePorts(): Promise<readonly number[]> {
  return Promise.all([freePort(), freePort(), freePort()])
}

/**
 * A port that the system gives nobody by itself: an agent that is away must find its port free when it comes back.
 *
 * @see Linux, ip_local_port_range: from 32,768 on by default
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
