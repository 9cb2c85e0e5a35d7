import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import type { ClusterAccess } from './access/cluster-access.ts'

/** Why no API server can be started here; undefined when one can. */
export function apiServerAbsence(): string | undefined {
  const { error } = spawnSync('kube-apiserver', ['--version'])
  return error && process.env['TENON_REQUIRE_INFRA'] !== '1' ? 'kube-apiserver is not on the PATH' : undefined
}

/** An API server of its own, which nothing else uses, so that it can be killed; its store goes on. */
export class ApiServer implements AsyncDisposable {
  readonly access: ClusterAccess
  readonly #folder: string
  readonly #store: ChildProcess
  readonly #flags: readonly string[]
  #server: ChildProcess | undefined

  private constructor({ access, folder, store, flags }: Parts) {
    this.access = access
    this.#folder = folder
    this.#store = store
    this.#flags = flags
  }

  static async start(): Promise<ApiServer> {
    const folder = await mkdtemp(join(tmpdir(), 'tenon-api-server-'))
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()]
    const [store, other] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`]
    const token = randomUUID()
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const key = join(folder, 'accounts.key')
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await writeFile(join(folder, 'tokens.csv'), `${token},test,test\n`)
    const server = new ApiServer({
      folder,
      access: {
        origin: `https://127.0.0.1:${port}`,
        basePath: '',
        namespace: 'default',
        tls: async () => ({ rejectUnauthorized: false }),
        token: async () => token,
      },
      store: run('etcd', [
        '--name=test',
        `--data-dir=${join(folder, 'etcd')}`,
        '--unsafe-no-fsync',
        '--log-level=error',
        `--listen-client-urls=${store}`,
        `--advertise-client-urls=${store}`,
        `--listen-peer-urls=${other}`,
        `--initial-advertise-peer-urls=${other}`,
        `--initial-cluster=test=${other}`,
      ]),
      flags: [
        `--etcd-servers=${store}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${join(folder, 'certificates')}`,
        `--token-auth-file=${join(folder, 'tokens.csv')}`,
        '--authorization-mode=AlwaysAllow',
        '--disable-admission-plugins=ServiceAccount',
        '--service-account-issuer=https://kubernetes',
        '--service-cluster-ip-range=10.96.0.0/16',
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
      ],
    })
    try {
      await server.#begin()
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Kills it, and resolves when it answers again. */
  async restart(): Promise<void> {
    await end(this.#server)
    await this.#begin()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#server)
    await end(this.#store)
    await rm(this.#folder, { recursive: true })
  }

  async #begin(): Promise<void> {
    this.#server = run('kube-apiserver', this.#flags)
    const token = await this.access.token()
    const flags = ['--server', this.access.origin, '--token', token ?? '', '--insecure-skip-tls-verify']
    const answers = () => {
      const { status, stderr } = spawnSync('kubectl', [
        ...flags,
        '--kubeconfig',
        '/dev/null',
        'get',
        '--raw',
        '/readyz',
      ])
      if (status !== 0) throw new Error(`the API server does not answer: ${stderr.toString()}`)
    }
    await eventually(answers, { timeoutMs: 60_000, intervalMs: 500 })
  }
}

interface Parts {
  readonly access: ClusterAccess
  readonly folder: string
  readonly store: ChildProcess
  readonly flags: readonly string[]
}

function run(program: string, flags: readonly string[]): ChildProcess {
  return spawn(program, flags, { stdio: 'ignore' })
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
