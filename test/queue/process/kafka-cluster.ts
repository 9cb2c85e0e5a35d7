import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Brokers of one's own, which may be killed. */
export interface KafkaCluster extends AsyncDisposable {
  /** Separated by commas. */
  readonly brokers: string
  /** Stops a broker, in good order or not. They count from 1; the first is also the controller. */
  stop(broker: number, how?: 'kill'): Promise<void>
  start(broker: number): Promise<void>
}

const script = resolve(process.env['TENON_INFRA'] ?? '../shared/infra', 'kafka.sh')

/** Why there is no cluster; undefined when there is one. `TENON_REQUIRE_INFRA=1` makes a missing script fail instead. */
export function clusterAbsence(): string | undefined {
  if (existsSync(script) || process.env['TENON_REQUIRE_INFRA'] === '1') return undefined
  return `${script} is missing; TENON_INFRA names its folder`
}

/** Starts brokers with data and ports of their own. Disposing ends them and removes their data. */
export async function startCluster(brokerCount: number): Promise<KafkaCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-kafka-'))
  await shareLibraries(folder)
  const environment = { TENON_INFRA_DIR: folder, TENON_KAFKA_PORT: String(await freePort(brokerCount)) }
  const call = (...args: readonly string[]) => run(args, environment)
  // On a busy machine the script takes a broker for gone whose process has only just begun; asked again, it waits for it.
  const start = (...args: readonly string[]) => call(...args).catch(() => call(...args))
  const lines = await start('up', '--brokers', String(brokerCount))
  const [, brokers = ''] = /KAFKA_BROKERS=(\S+)/.exec(lines) ?? []
  return {
    brokers,
    stop: async (broker, how) => void (await call('stop-broker', String(broker), ...(how ? ['--kill'] : []))),
    start: async (broker) => void (await start('start-broker', String(broker))),
    [Symbol.asyncDispose]: async () => {
      await call('down')
      await rm(folder, { recursive: true })
    },
  }
}

/** What the script has fetched before need not be fetched again. */
async function shareLibraries(folder: string): Promise<void> {
  const cache =
    process.env['TENON_INFRA_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tenon-infra')
  await mkdir(join(folder, 'kafka'))
  const kept = await readdir(join(cache, 'kafka')).catch(() => [])
  for (const name of kept.filter((entry) => entry.startsWith('libs-')))
    await symlink(join(cache, 'kafka', name), join(folder, 'kafka', name))
}

async function run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(script, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (errors += text))
  // Brokers outlive the script and may keep its outputs open.
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`kafka.sh ${args.join(' ')} ended with ${code}: ${errors}`)
  return output
}

/**
 * The first of some ports that are free: brokers take it and those behind it, the controller the one before. The system gives them to nobody
 * by itself, for a broker that comes back must find its own free.
 *
 * @see Linux, ip_local_port_range: from 32,768 on by default
 */
async function freePort(brokerCount: number): Promise<number> {
  for (;;) {
    const port = randomInt(10_001, 32_000 - brokerCount)
    const wanted = Array.from({ length: brokerCount + 1 }, (_, index) => port - 1 + index)
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
