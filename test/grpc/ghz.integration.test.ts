import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool, toolAbsence } from '../support/tool.ts'
import { startPeerService } from './peer-service.ts'

const absence = toolAbsence('ghz')
/** More in the long run: `.ci/soak`. */
const callCount = Number(process.env['TENON_GHZ_CALLS'] ?? 5_000)

interface Report {
  readonly count: number
  readonly errorDistribution: Readonly<Record<string, number>> | null
  readonly statusCodeDistribution: Readonly<Record<string, number>>
}

describe.skipIf(absence)(`ghz${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test(`makes ${callCount} calls without one error`, { timeout: 600_000 }, async ({ signal }) => {
    await using peer = await startPeerService()
    const folder = await temporaryFolder()
    const call = ['--insecure', '--call', 'test.peer.v1.PeerService/Say', '--data', '{"name":"ada"}']
    const load = ['--total', String(callCount), '--concurrency', '50', '--connections', '5', '--timeout', '60s']
    const report = ['--format', 'json', '--output', 'report.json']
    const command = ['ghz', ...call, ...load, ...report, peer.address] as const
    const { code, output } = await runTool(command, { folder, signal })
    expect(code, output).toBe(0)
    const told = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Report
    expect(told.errorDistribution ?? {}).toEqual({})
    expect(told.statusCodeDistribution).toEqual({ OK: callCount })
  })
})
