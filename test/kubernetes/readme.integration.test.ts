import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { readmeBlocks } from '../promise/readme-block.ts'
import { run, temporaryFolder } from '../support/own-process.ts'
import { clusterAbsence, requireServers } from './absence.ts'
import { kubectl, Namespace } from './kubectl.ts'

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

describe.skipIf(absence)(`the way to a cluster in the README${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('is five commands that work as they are written', { timeout: 600_000 }, async () => {
    const { infra } = requireServers()
    const [generateDocker = '', build = '', generateManifests = '', secret = '', apply = '', ...rest] =
      await fiveCommands()
    expect(rest).toEqual([])
    await using namespace = await Namespace.create(`tenon-readme-${Date.now().toString(36)}`)
    // The namespace is that of the context, so that no command has to name it.
    const file = join(await temporaryFolder(), 'config')
    await writeFile(file, await kubectl(['config', 'view', '--raw', '--minify', '--flatten']))
    await kubectl(['--kubeconfig', file, 'config', 'set-context', '--current', '--namespace', namespace.name])
    const environment = { KUBECONFIG: file }

    for (const generate of [generateDocker, generateManifests])
      expect(await shell(generate, environment)).not.toMatch(/^(?:new|overwritten|obsolete) /m)
    await shell(build, environment)
    await shell(`${join(infra, 'kube.sh')} load user:local`, environment)
    await shell(secret, environment)
    await shell(apply, environment)
    // It comes as far as its database, which the secret names and this namespace does not have.
    await eventually(
      async () => {
        const logs = await namespace.run(['logs', '--all-pods', '--tail=-1', 'deployment/user'])
        expect(logs).toMatch(/getaddrinfo \w+ postgres/)
      },
      { timeoutMs: 60_000, intervalMs: 500 },
    )
  })
})
