import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { FaultError, UsageError } from '../command/command.ts'
import { describedService } from './described-service.ts'

const surroundings = { childFile: fileURLToPath(new URL('../child.ts', import.meta.url)) }
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-described-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => void vi.stubEnv('NODE_OPTIONS', '--conditions=@tenon/source'))
afterEach(() => void vi.unstubAllEnvs())

async function fileOf(name: string, source: string): Promise<string> {
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, source)
  return file
}

const greeting = `
  import { defineService, port } from '${new URL('../../../core/src/index.ts', import.meta.url).href}'
  console.log('printed by the service')
  process.send({ of: 'the service' })
  export const service = defineService({
    name: 'greeting',
    version: '1.0.0',
    config: { adminPort: port('ADMIN_PORT', 9000) },
    admin: ({ adminPort }) => ({ port: adminPort }),
  })`

describe('describedService', () => {
  it('describes a service as it would be in an image, whoever asks', async () => {
    vi.stubEnv('ADMIN_PORT', '1234')
    const { name, admin } = await describedService({ file: await fileOf('greeting', greeting) }, surroundings)
    expect({ name, admin }).toEqual({ name: 'greeting', admin: { host: '0.0.0.0', port: 9000, hasToken: false } })
  })

  it('gives it the variables that it is asked to', async () => {
    const environment = { ADMIN_PORT: '9005', TENON_HOST: '127.0.0.1' }
    const { admin } = await describedService({ file: await fileOf('set', greeting), environment }, surroundings)
    expect(admin).toMatchObject({ host: '127.0.0.1', port: 9005 })
  })

  it('says whether the service is at fault, or who named it', async () => {
    const file = await fileOf('thrower', 'throw new Error("no good")')
    await expect(describedService({ file }, surroundings)).rejects.toThrow(FaultError)
    await expect(describedService({ file }, surroundings)).rejects.toThrow('no good')
    const absent = describedService({ file: join(folder, 'absent.mjs') }, surroundings)
    await expect(absent).rejects.toThrow(UsageError)
    await expect(absent).rejects.toThrow('there is no file')
  })

  it('says how the process ended that has told nothing', async () => {
    const file = await fileOf('exits', 'process.exit(3)')
    await expect(describedService({ file }, surroundings)).rejects.toThrow('its process ended (exit code 3)')
  })
})
