import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { memorySource } from '../../packages/core/src/service/live/memory-source.test-harness.ts'
import { changeUnderLoad } from './changing-settings.ts'

test('settings of a source change under load', async () => {
  const source = memorySource()
  await changeUnderLoad(
    { start: { configSources: [source] }, put: (texts) => source.put(texts) },
    { changeCount: 150, callerCount: 10 },
  )
})

test('settings of a mounted ConfigMap change under load', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-config-map-'))
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  let version = 0
  // As the kubelet does it: new files in a folder of their own, then one link is swapped.
  const put = async (texts: Readonly<Record<string, string>>) => {
    version += 1
    const data = join(folder, `..${version}`)
    await mkdir(data)
    for (const [variable, text] of Object.entries(texts)) await writeFile(join(data, variable), text)
    await symlink(`..${version}`, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    if (version > 1) return
    for (const variable of Object.keys(texts)) await symlink(join('..data', variable), join(folder, variable))
  }
  await changeUnderLoad(
    { start: { environment: { TENON_CONFIG_DIR: folder } }, put },
    { changeCount: 7, callerCount: 4 },
  )
})
