import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loaderArguments } from './loader-arguments.ts'
import { loadService } from './service-module.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-module-'))
})
afterAll(() => rm(folder, { recursive: true }))

const service = (name: string) =>
  `{ name: '${name}', version: '1.0.0', check() {}, describe() {}, start() {}, run() {} }`

async function moduleOf(name: string, source: string): Promise<string> {
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, source)
  return file
}

describe('loadService', () => {
  it('finds the one export that is a service, also where it has two names', async () => {
    const file = await moduleOf(
      'one',
      `export const a = ${service('a')}; export { a as default }; export const port = 1`,
    )
    expect((await loadService({ file })).name).toBe('a')
  })

  it('takes the one that is named', async () => {
    const file = await moduleOf('two', `export const a = ${service('a')}; export const b = ${service('b')}`)
    expect((await loadService({ file, exportName: 'b' })).name).toBe('b')
  })

  it.each([
    ['several', `export const a = ${service('a')}; export const b = ${service('b')}`, undefined, '--export a or b'],
    ['other', `export const a = ${service('a')}`, 'b', 'other.mjs has no export b'],
    ['no', 'export const a = {}', 'a', 'the export a of'],
    ['none', 'export const a = {}', undefined, 'expected what defineService() gives, but it exports a'],
    ['empty', '', undefined, 'it exports nothing'],
    ['failing', "throw new Error('the disk is missing')", undefined, 'the disk is missing'],
  ])('says what is wrong with a module: %s', async (name, source, exportName, expected) => {
    const file = await moduleOf(name, source)
    const isOfService = name === 'failing'
    await expect(loadService({ file, exportName })).rejects.toMatchObject({
      name: 'ModuleError',
      message: expect.stringContaining(expected),
      isOfService,
    })
  })

  it('names a file that is not there', async () => {
    await expect(loadService({ file: 'absent.ts' })).rejects.toThrow('there is no file absent.ts')
  })
})

describe('loaderArguments', () => {
  it('adds tsx for TypeScript where it can be found, once', () => {
    const [flag, loader] = loaderArguments('src/service.ts', [])
    expect(flag).toBe('--import')
    expect(loader).toMatch(/^file:.*tsx/)
    expect(loaderArguments('src/service.ts', ['--import', 'tsx'])).toEqual(['--import', 'tsx'])
  })

  it('adds nothing for JavaScript, and where tsx is not installed', () => {
    expect(loaderArguments('dist/service.js', ['--inspect'])).toEqual(['--inspect'])
    expect(loaderArguments(join(folder, 'service.ts'), [])).toEqual([])
  })
})
