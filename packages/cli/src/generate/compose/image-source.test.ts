import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { builtImage } from './image-source.ts'

async function folderWith(...files: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-image-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), '{}')
  }
  return folder
}

it('the image of a package of its own is built from its folder', async () => {
  const folder = await folderWith('package.json', 'package-lock.json')
  const place = { file: join(folder, 'src/service.ts'), name: 'user', dockerFolder: undefined }
  expect(builtImage({ ...place, outFolder: folder })).toEqual({ context: '.', dockerfile: 'Dockerfile' })
  expect(builtImage({ ...place, outFolder: join(folder, 'deploy') })).toEqual({
    context: '..',
    dockerfile: 'Dockerfile',
  })
  // As `generate docker` names it in a folder of its own.
  const dockerfileIn = (dockerFolder: string) => builtImage({ ...place, outFolder: folder, dockerFolder })
  expect(dockerfileIn(folder)).toEqual({ context: '.', dockerfile: 'Dockerfile' })
  expect(dockerfileIn(join(folder, 'deploy/docker'))).toEqual({
    context: '.',
    dockerfile: 'deploy/docker/user.Dockerfile',
  })
})

it('the image of a package of a workspace is built from the root of that, by the Dockerfile of its name', async () => {
  const folder = await folderWith('package.json', 'package-lock.json', 'services/user/package.json')
  const place = { file: join(folder, 'services/user/src/service.ts'), name: 'user', outFolder: join(folder, 'deploy') }
  expect(builtImage({ ...place, dockerFolder: undefined })).toEqual({ context: '..', dockerfile: 'user.Dockerfile' })
  expect(builtImage({ ...place, dockerFolder: join(folder, 'deploy/docker') })).toEqual({
    context: '..',
    dockerfile: 'deploy/docker/user.Dockerfile',
  })
})
