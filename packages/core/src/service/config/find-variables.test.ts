import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { findVariables } from './find-variables.ts'

const variables = ['HTTP_PORT', 'REGION', 'TOKEN']

async function folderWith(files: Readonly<Record<string, string | Uint8Array>>) {
  const path = await mkdtemp(join(tmpdir(), 'tenon-config-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('mounted files', () => {
  it('hold one variable each, without the newline at the end, and count less than the environment', async () => {
    await using folder = await folderWith({ HTTP_PORT: '1\n', REGION: 'eu\r\n', TOKEN: 'a\n\n', OTHER: 'x' })
    const { environment, origins, problems } = findVariables({
      environment: { HTTP_PORT: '2', REGION: '' },
      configFiles: folder.path,
      variables,
    })
    expect(environment).toEqual({ HTTP_PORT: '2', REGION: 'eu', TOKEN: 'a\n' })
    expect([...origins]).toEqual([
      ['REGION', join(folder.path, 'REGION')],
      ['TOKEN', join(folder.path, 'TOKEN')],
    ])
    expect(problems).toEqual([])
  })

  it('are found behind the links that Kubernetes mounts them with', async () => {
    await using folder = await folderWith({})
    const data = join(folder.path, '..2026_01_01_00_00_00.1')
    await mkdir(data)
    await writeFile(join(data, 'REGION'), 'eu')
    await symlink('..2026_01_01_00_00_00.1', join(folder.path, '..data'))
    await symlink(join('..data', 'REGION'), join(folder.path, 'REGION'))
    expect(findVariables({ environment: {}, configFiles: folder.path, variables }).environment).toEqual({
      REGION: 'eu',
    })
  })

  it('may lie in several folders, of which the first counts most', async () => {
    await using first = await folderWith({ REGION: 'eu' })
    await using second = await folderWith({ REGION: 'us', TOKEN: 'a' })
    const { environment } = findVariables({ environment: {}, configFiles: [first.path, second.path], variables })
    expect(environment).toEqual({ REGION: 'eu', TOKEN: 'a' })
  })

  it('lie where TENON_CONFIG_DIR says, if it says anything', async () => {
    await using inCode = await folderWith({ REGION: 'eu' })
    await using first = await folderWith({ REGION: 'us' })
    await using second = await folderWith({ TOKEN: 'a' })
    const configFiles = inCode.path
    const named = { TENON_CONFIG_DIR: [first.path, second.path].join(delimiter) }
    expect(findVariables({ environment: named, configFiles, variables }).environment).toEqual({
      ...named,
      REGION: 'us',
      TOKEN: 'a',
    })
    const empty = { TENON_CONFIG_DIR: '' }
    expect(findVariables({ environment: empty, configFiles, variables }).environment).toMatchObject({ REGION: 'eu' })
  })

  it('need not be there where only code names the folder', () => {
    const { environment, problems } = findVariables({ environment: {}, configFiles: '/no/such/folder', variables })
    expect([environment, problems]).toEqual([{}, []])
  })

  it('are a problem when the folder that the environment names is not there, or a folder is none', async () => {
    await using folder = await folderWith({ FILE: 'x' })
    const file = join(folder.path, 'FILE')
    const missing = findVariables({ environment: { TENON_CONFIG_DIR: '/no/such/folder' }, variables })
    expect(missing.problems).toEqual([
      {
        code: 'config.malformed',
        message: 'TENON_CONFIG_DIR: expected a folder, found "/no/such/folder", which is not there',
      },
    ])
    expect(findVariables({ environment: {}, configFiles: file, variables }).problems).toEqual([
      { code: 'config.malformed', message: `configFiles: expected a folder, found "${file}", which is none` },
    ])
  })

  it('are a problem when one cannot be read, or is no text', async () => {
    await using folder = await folderWith({ REGION: Uint8Array.of(0xff) })
    await mkdir(join(folder.path, 'TOKEN'))
    expect(findVariables({ environment: {}, configFiles: folder.path, variables }).problems).toEqual([
      {
        code: 'config.malformed',
        message: `REGION: the file ${join(folder.path, 'REGION')} cannot be read: it is no UTF-8 text`,
      },
      { code: 'config.malformed', message: `TOKEN: the file ${join(folder.path, 'TOKEN')} cannot be read: EISDIR` },
    ])
  })

  it('are never read outside the folder', async () => {
    await using folder = await folderWith({ TOKEN: 'a' })
    await mkdir(join(folder.path, 'inner'))
    const { environment } = findVariables({
      environment: {},
      configFiles: join(folder.path, 'inner'),
      variables: ['../TOKEN', '..'],
    })
    expect(environment).toEqual({})
  })
})

describe('.env', () => {
  async function workingIn(files: Readonly<Record<string, string>>) {
    const folder = await folderWith(files)
    vi.spyOn(process, 'cwd').mockReturnValue(folder.path)
    for (const name of [...variables, 'TENON_CONFIG_DIR', 'NODE_ENV']) vi.stubEnv(name, undefined)
    return folder
  }

  it('of the working directory counts least, and only for what is asked for', async () => {
    await using _folder = await workingIn({
      '.env': '# local\nREGION="eu west"\nHTTP_PORT=1\nTOKEN=a\nTENON_OTHER=x\n',
    })
    await using mounted = await folderWith({ TOKEN: 'mounted' })
    vi.stubEnv('HTTP_PORT', '2')
    const { environment, origins, problems } = findVariables({ configFiles: mounted.path, variables })
    expect(environment).toMatchObject({ REGION: 'eu west', HTTP_PORT: '2', TOKEN: 'mounted' })
    expect(environment).not.toHaveProperty('TENON_OTHER')
    expect(origins.get('REGION')).toBe('.env')
    expect(problems).toEqual([])
    expect(process.env['REGION']).toBeUndefined()
  })

  it('is not read in production, nor where an environment is given', async () => {
    await using _folder = await workingIn({ '.env': 'REGION=eu' })
    expect(findVariables({ environment: {}, variables }).environment).toEqual({})
    vi.stubEnv('NODE_ENV', 'production')
    expect(findVariables({ variables }).environment).not.toHaveProperty('REGION')
    vi.stubEnv('NODE_ENV', 'test')
    expect(findVariables({ variables }).environment).toMatchObject({ REGION: 'eu' })
  })

  it('need not be there, but must be a file', async () => {
    await using folder = await workingIn({})
    expect(findVariables({ variables }).problems).toEqual([])
    await mkdir(join(folder.path, '.env'))
    expect(findVariables({ variables }).problems).toMatchObject([
      { message: `.env: the file ${join(folder.path, '.env')} cannot be read: EISDIR` },
    ])
  })
})
