import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { readmeBlocks } from '../promise/readme-block.ts'
import { run, temporaryFolder } from '../support/own-process.ts'
import { clusterAbsence } from '../support/cluster.ts'
import { requireServers } from './servers.ts'
import { Gate } from './gate.ts'
import { kubectl, Namespace } from './kubectl.ts'
import { serveInNamespace } from './server-in-namespace.ts'

const root = join(import.meta.dirname, '../..')
const absence = clusterAbsence()

/** The commands of the README, one a line. */
async function fiveCommands(): Promise<readonly string[]> {
  const [block] = (await readmeBlocks('README.md')).filter(({ heading }) => heading === 'To a cluster')
  return block?.text.trim().split('\n') ?? []
}

/** What a command printed. @throws Error unless it ends well */
async function shell(command: string, environment: Readonly<Record<string, string>>): Promise<string> {
  await using bash = run('bash', ['-c', command], environment)
  const code = await bash.ended
  if (code === 0) return bash.output()
  throw new Error(`${command} ended with ${code}:\n${bash.output()}`)
}

/** The database that the example of a secret names, on the server of this machine, and the way of pods to it. */
async function openDatabase(url: string): Promise<Gate> {
  const secret = await readFile(
    join(root, 'examples/user-order/deploy/kubernetes/user/overlays/local/secret.env.example'),
    'utf8',
  )
  const named = new URL(/^DATABASE_URL=(.+)$/m.exec(secret)?.[1] ?? '')
  const [role, password, database] = [named.username, named.password, named.pathname.slice(1)]
  const client = new Client({ connectionString: url })
  await client.connect()
  const makeOnce = async (statement: string) =>
    client.query(statement).catch((error: unknown) => {
      if (!(error instanceof Error && /already exists/.test(error.message))) throw error
    })
  await makeOnce(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  await makeOnce(`CREATE DATABASE ${database} OWNER ${role}`)
  await client.end()
  const { hostname, port } = new URL(url)
  const nodeAddress = await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[0].address}'])
  return Gate.open(nodeAddress, { host: hostname, port: Number(port || 5432) })
}

describe.skipIf(absence)(`the way to a cluster in the README${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('is five commands that work as they are written', { timeout: 600_000 }, async () => {
    const { infra, brokers, databaseUrl } = requireServers()
    const [generateDocker = '', build = '', generateManifests = '', secret = '', apply = '', ...rest] =
      await fiveCommands()
    expect(rest).toEqual([])
    await using namespace = await Namespace.create(`tenon-readme-${Date.now().toString(36)}`)
    // The namespace is that of the context, so that no command has to name it.
    const file = join(await temporaryFolder(), 'config')
    await writeFile(file, await kubectl(['config', 'view', '--raw', '--minify', '--flatten']))
    await kubectl(['--kubeconfig', file, 'config', 'set-context', '--current', '--namespace', namespace.name])
    const environment = { KUBECONFIG: file }
    // What the overlay names, which every cluster has to have by itself.
    await using database = await openDatabase(databaseUrl)
    await serveInNamespace(namespace, { name: 'postgres', port: 5432, target: database.address })
    await serveInNamespace(namespace, { name: 'kafka', port: 9092, target: brokers.split(',')[0] ?? '' })

    for (const generate of [generateDocker, generateManifests])
      expect(await shell(generate, environment)).not.toMatch(/^(?:new|overwritten|obsolete) /m)
    await shell(build, environment)
    await shell(`${join(infra, 'kube.sh')} load user:local`, environment)
    await shell(secret, environment)
    await shell(apply, environment)
    await namespace.run(['rollout', 'status', 'deployment/user', '--timeout=180s'])
  })
})
