import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { readmeBlocks } from '../promise/readme-block.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { startLogin } from './login-process.ts'

const execute = promisify(execFile)

async function shell(script: string): Promise<string> {
  const { stdout } = await execute('bash', ['-c', `${script}\ntrue`], { timeout: 30_000 })
  return stdout
}

const hasGrpcurl = (await shell('command -v grpcurl')) !== ''
const absence = hasGrpcurl || process.env['TENON_REQUIRE_INFRA'] === '1' ? undefined : 'grpcurl is not on the path'

const statuses = (text: string) => Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status)

describe.skipIf(absence)(`the tour of the login${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('works as it is written', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder()
    const letterDir = join(folder, 'letters')
    await using login = await startLogin({ DATA_DIR: folder, LETTER_DIR: letterDir })
    const blocks = (await readmeBlocks('examples/auth/README.md')).filter(
      ({ heading, language }) => heading === 'A tour' && language === 'sh',
    )
    const [register = '', confirm = '', grpc = '', refresh = '', guess = '', ...rest] = blocks.map(({ text }) =>
      text
        .replaceAll('127.0.0.1:3003', login.at('http'))
        .replaceAll('127.0.0.1:50053', login.at('grpc'))
        .replaceAll('examples/auth/.data/letters', letterDir),
    )
    expect(rest).toEqual([])
    const registered = await shell(register)
    expect(statuses(registered)).toEqual(['202'])
    expect(registered).toContain('To: ada@example.com')
    // One shell, for each block uses what those before have found out.
    const told = await shell([confirm, 'echo "— grpc"', grpc, 'echo "— refresh"', refresh].join('\n'))
    const [me = '', overGrpc = '', renewed = ''] = told.split(/^— \w+$/m)
    expect(statuses(me)).toEqual(['200', '200'])
    const [userId = 'nobody'] = /"userId":"[^"]+"/.exec(me) ?? []
    expect(overGrpc.replaceAll(' ', '')).toContain(userId)
    expect(statuses(renewed)).toEqual(['401', '401', '200'])
    expect((await shell(guess)).trim().split('\n')).toEqual(['401', '401', '401', '401', '401', '429'])
  })
})
