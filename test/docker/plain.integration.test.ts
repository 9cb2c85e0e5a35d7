import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool } from '../support/tool.ts'
import { docker, dockerAbsence, startContainer } from './docker.ts'

const absence = dockerAbsence()

/** A project that is no workspace, in JavaScript, with the packed core as a file of its own. */
async function plainProject(signal: AbortSignal): Promise<string> {
  const folder = await temporaryFolder()
  const run = async (where: string, command: readonly [string, ...string[]]) => {
    const { code, output } = await runTool(command, { folder: where, signal })
    expect(code, output).toBe(0)
  }
  await cp(join(import.meta.dirname, 'fixture/plain'), folder, { recursive: true })
  const vendor = join(folder, 'vendor')
  await mkdir(vendor)
  const core = join(import.meta.dirname, '../../packages/core')
  await run(core, ['npm', 'pack', '--pack-destination', vendor])
  const { version } = JSON.parse(await readFile(join(core, 'package.json'), 'utf8'))
  const dependencies = { '@tenon/core': `file:vendor/tenon-core-${version}.tgz` }
  // Tools of a laptop that no image has.
  const scripts = { prepare: 'tenon-test-absent', postinstall: 'tenon-test-absent' }
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'plain', type: 'module', scripts, dependencies }),
  )
  for (const path of ['.env', '.token', 'id_rsa', 'store.p12']) await writeFile(join(folder, path), 'SECRET=x\n')
  await run(folder, ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'])
  return folder
}

describe.skipIf(absence)(`a project of one package${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('becomes an image that runs, with none of its secrets and no script of a laptop', { timeout: 200_000 }, async ({
    signal,
  }) => {
    const folder = await plainProject(signal)
    // Without the condition of this repository's sources, which the packed core has no use for.
    const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
    const generated = await runTool(['node', main, 'generate', 'docker', 'service.js'], { folder, signal })
    expect(generated.code, generated.output).toBe(0)
    const image = 'tenon-test-plain:1'
    // What is registered last ends first: the container, then its image.
    onTestFinished(async () => void (await docker('image', 'rm', '--force', image)))
    const { code, output } = await runTool(['docker', 'build', '--tag', image, '.'], { folder, signal })
    expect(code, output).toBe(0)
    const container = await startContainer(image)
    const admin = await container.address(9009)
    await eventually(async () => expect((await fetch(`${admin}/readyz`)).status).toBe(200), { timeoutMs: 30_000 })
    const list = "console.log(require('node:fs').readdirSync('/app').toSorted().join())"
    const files = await docker('exec', container.id, 'node', '-e', list)
    expect(files).toBe('main.js,node_modules,package.json,service.js')
    await docker('stop', container.id)
    expect(await container.look('{{.State.ExitCode}}')).toBe('0')
  })
})
