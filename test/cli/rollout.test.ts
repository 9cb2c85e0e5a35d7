import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { eventually } from '@tenon/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DrainError } from '../../packages/cli/src/verify/drain-error.ts'
import type { DrainTask } from '../../packages/cli/src/verify/drain-task.ts'
import { Rollout } from '../../packages/cli/src/verify/rollout.ts'
import { verifyDrain } from '../../packages/cli/src/verify/verify-drain.ts'
import { server } from './fixture/leaving-service.ts'
import { fixture } from './tenon.ts'

const ownChildFile = fileURLToPath(new URL('../../packages/cli/src/child.ts', import.meta.url))

// Instances have the loader of the process that starts them, which here is none.
beforeEach(() => void vi.stubEnv('NODE_OPTIONS', '--conditions=@tenon/source --import tsx'))
afterEach(() => void vi.unstubAllEnvs())

test('nobody is led to an instance that is gone, though its probe never said no', async () => {
  await using rollout = await openRollout(ownChildFile)
  await rollout.begin({})
  const { port } = new URL(`http://${rollout.addressOf('http')}`)
  const record = await rollout.finish()
  expect(record).toMatchObject({ end: { code: 0, signal: null }, notReadyAfterMs: undefined })
  await once(connect(Number(port), '127.0.0.1').resume(), 'close')
  await eventually(() => expect(rollout.unledCount).toBe(1))
  expect(record?.refusals).toEqual([])
})

test('who was led to an instance as it went is told of as refused by it', async () => {
  await using rollout = await openRollout(fixture('odd-balancer/child.ts'))
  await rollout.begin({})
  const record = await rollout.finish()
  expect(record?.refusals).toEqual([{ protocol: 'http', afterMs: expect.any(Number) as number }])
})

const loadBegins = 'every operation and topic is answered; the load begins'

test.each([
  ['a restart', '2', loadBegins],
  ['the last stop', '0', 'the last messages are waited for'],
])('a balancer that ends at %s leaves no verdict', async (_time, readyCount, lastLine) => {
  vi.stubEnv('ENDING_AT_READY_COUNT', readyCount)
  const place = { file: fixture('worker-service.ts'), exportName: 'service' }
  const progress = vi.fn()
  const surroundings = { childFile: fixture('odd-balancer/child.ts'), progress }
  const error: unknown = await verifyDrain(taskOf(place), surroundings).catch((thrown: unknown) => thrown)
  expect(error).toEqual(new DrainError('the balancer of this command has ended, so nothing can be said: exit code 7'))
  expect(progress).toHaveBeenLastCalledWith(lastLine)
})

function openRollout(childFile: string): Promise<Rollout> {
  const { name, version } = server
  const description = server.describe({ environment: {} })
  const place = { file: fixture('leaving-service.ts'), exportName: 'server' }
  const service = { name, version, description, place, operations: [], topics: [], transports: [] }
  return Rollout.open(service, { task: taskOf(place), childFile, idPrefix: '', handled: () => undefined })
}

function taskOf(place: DrainTask['services'][number]): DrainTask {
  return {
    kind: 'verify_drain',
    services: [place],
    restartCount: 1,
    perSecond: 1,
    deregisterDelayMs: 0,
    readiness: { protocol: 'admin', path: '/readyz' },
    startTimeoutMs: 20_000,
    settleMs: 1_000,
    isJson: false,
  }
}
