import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordedTerminal } from '../terminal.test-harness.ts'
import { runCommand } from './run-command.ts'

const childFile = fileURLToPath(new URL('../child.ts', import.meta.url))
let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-compose-'))
  file = join(folder, 'service.mjs')
  const source = `
    import { defineService, text } from '${new URL('../../../core/src/index.ts', import.meta.url).href}'
    export const service = defineService({
      name: 'greeting', version: '1.0.0', handlers: [], config: { brokers: text('KAFKA_BROKERS') }, shutdownTimeoutMs: 4_000,
    })`
  await writeFile(file, source)
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => void vi.stubEnv('NODE_OPTIONS', '--conditions=@tenon/source'))
afterEach(() => void vi.unstubAllEnvs())

async function generate(...args: readonly string[]) {
  const terminal = recordedTerminal()
  const exitCode = await runCommand(['generate', 'compose', ...args], { terminal, childFile })
  return { exitCode, printed: terminal.printed(), complained: terminal.complained() }
}

const composeText = () => readFile(join(folder, 'compose.yaml'), 'utf8')

describe('tenon generate compose', () => {
  it('writes what is new, and then sets nothing that the file of settings sets', async () => {
    const first = await generate(file, '--out', folder)
    expect(first).toMatchObject({ exitCode: 0 })
    expect(first.printed).toMatch(/^new +compose\.yaml\nnew +greeting\.env\n/)
    expect(first.printed).toContain(`there is no ${join(folder, 'Dockerfile')} yet`)
    expect(first.complained).toContain('KAFKA_BROKERS leads to kafka, and nothing says that it connects there')
    expect(await composeText()).toContain('stop_grace_period: 5s')

    await writeFile(join(folder, 'greeting.env'), 'KAFKA_BROKERS=kafka.example.com:9092\n')
    const second = await generate(
      file,
      '--out',
      folder,
      '--image',
      'shop/{service}:2',
      '--with',
      'consul',
      '--overwrite',
    )
    expect(second).toMatchObject({ exitCode: 0, complained: '' })
    expect(second.printed).toContain('-      KAFKA_BROKERS: kafka:19092')
    const text = await composeText()
    for (const expected of ['image: shop/greeting:2', 'hashicorp/consul']) expect(text).toContain(expected)
    for (const gone of ['KAFKA_BROKERS', 'apache/kafka']) expect(text).not.toContain(gone)
  })

  it.each([
    [[], 'expected one or more files of services, found none'],
    [['a.ts', '--with', 'kafka,redis'], '--with: expected some of kafka,postgres,consul, found "redis"'],
    [
      ['a.ts', 'b.ts', '--image', 'one:1'],
      '--image: expected {service} in it, for there are several services, found "one:1"',
    ],
  ])('exits with 2 for %j, and says what was expected', async (args, expected) => {
    expect(await generate(...args)).toMatchObject({ exitCode: 2, complained: `tenon: ${expected}` })
  })

  it('refuses two services of one name', async () => {
    const { exitCode, complained } = await generate(file, file, '--out', join(folder, 'twice'))
    expect(complained).toBe('tenon: two services of the compose file would be named greeting: expected a name for each')
    expect(exitCode).toBe(2)
  })
})
