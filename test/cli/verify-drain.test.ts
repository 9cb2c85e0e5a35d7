import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DrainReport } from '../../packages/cli/src/verify/report.ts'
import { fixture, startTenon } from './tenon.ts'

interface Verified {
  readonly exitCode: number | NodeJS.Signals
  readonly report: DrainReport
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-verify-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Restarts services once, under a small load. */
async function verifyDrain(services: readonly string[], options: readonly string[]): Promise<Verified> {
  const files = services.map((name) => fixture(`${name}-service.ts`))
  const args = ['verify', 'drain', ...files, '--restarts', '1', '--rate', '10', '--settle-ms', '2000', '--json']
  await using process = startTenon([...args, ...options], { NOTE_QUEUE_FILE: join(folder, 'queue.db') })
  const exitCode = await process.ended
  return { exitCode, report: JSON.parse(process.output()) as DrainReport }
}

describe('a service that drains', () => {
  test('loses nothing on any transport, and the verdict says so', { timeout: 120_000 }, async () => {
    // A balancer of a machine that is busy with other tests is slow to turn away.
    const { exitCode, report } = await verifyDrain(['note'], ['--deregister-delay-ms', '3000'])
    expect(report, JSON.stringify(report)).toMatchObject({ ok: true, services: [{ name: 'note', restartCount: 1 }] })
    expect(exitCode).toBe(0)
    const [service] = report.services
    const { transports = [], exits, slowestStop } = { ...service }
    expect(transports.map(({ transport }) => transport)).toEqual([
      'http',
      'http stream',
      'grpc',
      'grpc stream',
      'queue',
    ])
    for (const { sent, succeeded, failed } of transports) {
      expect(sent).toBeGreaterThan(20)
      expect({ succeeded, failed }).toEqual({ succeeded: sent, failed: 0 })
    }
    expect(transports.at(-1)).toMatchObject({ lost: 0, duplicated: 0 })
    expect(exits).toEqual({ '0': 2 })
    expect(slowestStop).toMatchObject({ phase: 'deregister delay' })
  })
})

test('a command that is killed leaves no process behind', { timeout: 120_000 }, async () => {
  const options = ['--export', 'sound', '--restarts', '1000', '--rate', '10', '--deregister-delay-ms', '0']
  // Outside production the service itself would notice.
  const environment = { NODE_ENV: 'production' }
  await using process = startTenon(['verify', 'drain', fixture('several-services.ts'), ...options], environment)
  await process.printed('the load begins')
  // Its child, and the instances that this has started, are told nothing.
  process.child.kill('SIGKILL')
  await eventually(() => expect(process.isGroupAlive()).toBe(false), { timeoutMs: 60_000 })
})

test('a worker whose exit code is 0 though it has not drained is told', { timeout: 120_000 }, async () => {
  const { exitCode, report } = await verifyDrain(['leaving'], ['--export', 'service', '--deregister-delay-ms', '0'])
  expect(exitCode).toBe(1)
  const message = expect.stringMatching(/^2 times a process ended with exit code 0 before its shutdown was over/)
  expect(report, JSON.stringify(report)).toMatchObject({
    ok: false,
    services: [{ name: 'leaving', exits: { '0': 2 }, causes: [{ cause: 'not_drained', message }] }],
  })
})

/**
 * Each is restarted, and waited for: more than the pipeline has time for, which judges what was found of them
 * (`recorded-cause.test.ts`). `.ci/soak` sets it.
 */
const isLong = process.env['TENON_DRAINS'] === 'all'

describe.runIf(isLong)('services that do not', () => {
  const broken = ['closing', 'forgetful', 'hanging', 'clinging', 'killed', 'abrupt']
  let verified: Verified
  beforeAll(async () => {
    verified = await verifyDrain(broken, ['--deregister-delay-ms', '500'])
  }, 240_000)

  test('end the command with exit code 1', () => {
    expect(verified.exitCode).toBe(1)
    expect(verified.report.ok).toBe(false)
  })

  test.each([
    ['closing', 'closes_before_draining', /refused http connections while its probe said ready|calls were cut/],
    [
      'forgetful',
      'commits_early',
      /messages of test\.verify\.written\.v1 were never handled .* group forgetful has committed/,
    ],
    ['hanging', 'phase_failed', /the phase "dispose providers" of the shutdown failed: .*MailBox/],
    ['clinging', 'phase_failed', /the phase "onStop" of the shutdown failed: .*say goodbye/],
    ['killed', 'ended_by_signal', /ended by SIGKILL and not by itself/],
    ['abrupt', 'not_drained', /ended with exit code 0 before its shutdown was over/],
  ])('are told from one another: %s is %s', (name, cause, message) => {
    const service = verified.report.services.find((one) => one.name === name)
    expect(service?.causes, JSON.stringify(service)).toContainEqual({ cause, message: expect.stringMatching(message) })
  })
})

test.runIf(isLong)(
  'workers that only do something by themselves are judged by their starts and stops',
  { timeout: 120_000 },
  async () => {
    const { exitCode, report } = await verifyDrain(['worker'], ['--export', 'service'])
    expect(report, JSON.stringify(report)).toMatchObject({
      ok: true,
      services: [{ transports: [], exits: { '0': 2 } }],
    })
    expect(exitCode).toBe(0)
    const hanging = await verifyDrain(['worker'], ['--export', 'hanging'])
    expect(hanging.exitCode).toBe(1)
    const message = expect.stringContaining('background task relay has not ended although its signal fired')
    expect(hanging.report.services[0]?.causes).toContainEqual({ cause: 'phase_failed', message })
  },
)

test.runIf(isLong)('a probe that never says no is a cause of its own', { timeout: 120_000 }, async () => {
  const options = ['--deregister-delay-ms', '500', '--readiness', 'http:/healthz']
  const { exitCode, report } = await verifyDrain(['stubborn'], options)
  expect(exitCode).toBe(1)
  expect(report.services[0]?.causes.map(({ cause }) => cause)).toContain('never_drops_readiness')
})
