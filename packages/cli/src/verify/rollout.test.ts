import { fileURLToPath } from 'node:url'
import { defineService, hook } from '@tenon/core'
import type { Transport } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import type { DrainTask } from './drain-task.ts'
import { Rollout } from './rollout.ts'

const task: DrainTask = {
  kind: 'verify_drain',
  services: [],
  isJson: false,
  restartCount: 1,
  perSecond: 1,
  readiness: { protocol: 'admin', path: '/readyz' },
  startTimeoutMs: 1_000,
  settleMs: 1_000,
}

const childFile = fileURLToPath(new URL('../child.ts', import.meta.url))

const transport: Transport = { name: 'http', carries: () => false, bind: () => expect.fail('it is only described') }

/** How long instances of a service serve after they have turned away. */
async function delayOf(options: object, given: Partial<DrainTask> = {}): Promise<number> {
  const transports = () => [transport]
  const service = defineService({ name: 'note', version: '1.0.0', handlers: [], transports, ...options })
  const { name, version } = service
  const description = service.describe({ environment: {} })
  const place = { file: 'service.ts', exportName: undefined }
  const verified = { name, version, description, place, operations: [], topics: [], transports: [] }
  const parts = { task: { ...task, ...given }, childFile, idPrefix: '', handled: () => undefined }
  await using rollout = await Rollout.open(verified, parts)
  return rollout.delayMs
}

it('serves after it has turned away for as long as in Kubernetes, within what the shutdown has room for', async () => {
  expect(await delayOf({})).toBe(5_000)
  expect(await delayOf({ shutdownTimeoutMs: 1_000 })).toBe(200)
  const onDrain = [hook('pause', () => undefined, { timeoutMs: 10_000 })]
  const deregisterDelayMs = await delayOf({ onDrain })
  const asked = defineService({ name: 'note', version: '1.0.0', handlers: [], onDrain, deregisterDelayMs })
  expect(await asked.check({ environment: {} })).toEqual({ ok: true, problems: [] })
})

it('does not serve on where nobody can call the service', async () => {
  expect(await delayOf({ transports: () => [] })).toBe(0)
})

it('serves for as long as the service was written to, or the command says', async () => {
  expect(await delayOf({ deregisterDelayMs: 7 })).toBe(7)
  expect(await delayOf({ deregisterDelayMs: 0 })).toBe(0)
  expect(await delayOf({ deregisterDelayMs: 7 }, { deregisterDelayMs: 9 })).toBe(9)
})
