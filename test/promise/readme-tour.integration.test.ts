import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { run, temporaryFolder } from '../support/own-process.ts'
import { readmeBlocks } from './readme-block.ts'
import { freePorts, freePort } from './shop.ts'

const execute = promisify(execFile)

async function shell(script: string): Promise<string> {
  // A refused call is no failure of the tour: grpcurl tells it by its exit code as well.
  const { stdout, stderr } = await execute('bash', ['-c', `${script}\ntrue`], { timeout: 30_000 })
  return `${stdout}${stderr}`
}

const hasGrpcurl = (await shell('command -v grpcurl')) !== ''
const absence = hasGrpcurl || process.env['TENON_REQUIRE_INFRA'] === '1' ? undefined : 'grpcurl is not on the path'

/** The commands of the tour, spoken to the addresses that `npm start` printed instead of the default ones. */
async function tourFor(output: string): Promise<readonly string[]> {
  const defaults = ['user   http', 'order  http'].flatMap((service, index) => [
    { port: 3001 + index, found: new RegExp(`^${service} http://(\\S+)`, 'm').exec(output)?.[1] },
    { port: 50_051 + index, found: new RegExp(`^${service} .* grpc (\\S+)`, 'm').exec(output)?.[1] },
    { port: 9001 + index, found: new RegExp(`^${service} .* admin http://(\\S+)`, 'm').exec(output)?.[1] },
  ])
  const blocks = (await readmeBlocks('README.md')).filter(({ heading }) => heading === 'A tour')
  return blocks.map(({ text }) =>
    defaults.reduce((script, { port, found }) => script.replaceAll(`127.0.0.1:${port}`, found ?? 'nowhere'), text),
  )
}

describe.skipIf(absence)(`the tour of the README${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('works as it is written', { timeout: 60_000 }, async () => {
    // The order service looks for the user service at this port, so it must be known before.
    const ports = { ...freePorts, USER_GRPC_PORT: String(await freePort()) }
    const environment = { ...ports, DATA_DIR: await temporaryFolder(), KAFKA_BROKERS: '', DATABASE_URL: '' }
    await using npm = run('npm', ['start'], environment)
    await npm.printed('Try:')
    const [watch = '', order = '', count = '', grpc = '', refused = '', probes = '', ...rest] = await tourFor(
      npm.output(),
    )
    expect(rest).toEqual([])
    await using watcher = run('bash', ['-c', watch])
    // curl prints nothing before the first order, so the stream is known to be open by the call that runs.
    await eventually(async () => expect(await shell(infoOf(probes))).toContain('"runningCallCount":1'))

    const userIds = new Set<string>()
    // Whoever takes the tour again does not find themselves with the user of another one, or with none.
    for (const _run of ['first', 'second']) {
      const placed = await shell(`${order}\necho "USER_ID=$USER_ID"`)
      expect(placed).toContain('"status":"placed"')
      const [userId = ''] = /USER_ID=\S+/.exec(placed) ?? []
      userIds.add(userId)
      await watcher.printed(`"userId":"${userId.replace('USER_ID=', '')}"`)
      await eventually(async () => expect(await shell(`${userId}\n${count}`)).toContain('"orderCount":1'), {
        timeoutMs: 1_000,
      })
      const read = await shell(`${userId}\n${grpc}`)
      for (const text of ['shop.user.v1.UserService', '"orderCount": 1', '"totalCents": "700"'])
        expect(read).toContain(text)
    }
    expect(userIds.size).toBe(2)
    const refusals = await shell(refused)
    expect(refusals).toContain('"code":"invalid_argument"')
    expect(refusals).toContain('Code: InvalidArgument')
    for (const field of ['/userId', '/items']) expect(refusals.split(`"${field}"`)).toHaveLength(3)
    expect(await shell(probes)).toMatch(/\{"status":"pass"\}\s*\{"status":"pass","checks":\[.*OrderDatabase/)
    npm.child.kill('SIGTERM')
    expect(await npm.ended).toBe(0)
  })
})

/** Asks the admin port of the order service for its running calls. */
function infoOf(probes: string): string {
  const [, admin = ''] = /'(http:\S+)\/readyz\?verbose'/.exec(probes) ?? []
  return `curl -s ${admin}/info`
}
