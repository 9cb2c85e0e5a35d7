import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { describe, expect, test } from 'vitest'
import { type Backend, startFront } from '../../packages/cli/src/verify/balancer.ts'
import { askReadiness, ReadinessWatch } from '../../packages/cli/src/verify/readiness-watch.ts'
import { startOpenLoad } from './open-load.ts'
import { type OwnProcess, runFile } from '../support/own-process.ts'

const rollCount = Number(process.env['TENON_ROLLS'] ?? 10)
const hasVegeta = spawnSync('vegeta', ['--version']).status === 0
const absence = hasVegeta || process.env['TENON_REQUIRE_INFRA'] === '1' ? undefined : 'vegeta is not on the PATH'

/** One instance of the service, in a process of its own, as the balancer of `tenon verify drain` sees it. */
interface Instance extends Backend, Disposable {
  readonly process: OwnProcess
  /** Connections that it did not take though it had said that it is ready. */
  readonly refusedCount: number
}

/** Resolves when its probe says that it is ready. */
async function startInstance(): Promise<Instance> {
  const process = runFile(join(import.meta.dirname, 'fixture/rolling-service.ts'))
  const [addresses] = (await once(process.child, 'message')) as [readonly Address[]]
  const at = (protocol: string) => addresses.find((address) => address.protocol === protocol)
  const admin = at('admin')
  if (admin === undefined) throw new Error('the instance has no admin server')
  const ready = Promise.withResolvers<void>()
  const watch = new ReadinessWatch(
    () => askReadiness(admin, '/readyz'),
    (answer) => {
      if (answer === 'ready') ready.resolve()
    },
  )
  await ready.promise
  let refusedCount = 0
  return {
    process,
    at,
    get isReady() {
      return watch.last === 'ready'
    },
    refused: () => (refusedCount += 1),
    get refusedCount() {
      return refusedCount
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  }
}

async function stop(instance: Instance) {
  instance.process.child.kill('SIGTERM')
  const exitCode = await instance.process.ended
  instance[Symbol.dispose]()
  return { exitCode, refusedCount: instance.refusedCount }
}

describe.skipIf(absence)(`rolling restarts under load${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test(`${rollCount} of them fail no request`, { timeout: 60_000 + rollCount * 10_000 }, async () => {
    const instances = new Set<Instance>()
    await using front = await startFront('http', () => instances)
    let current = await startInstance()
    instances.add(current)
    const url = `http://${front.address}`
    await using kept = await startOpenLoad({ url, perSecond: 100, keepAlive: true })
    await using fresh = await startOpenLoad({ url, perSecond: 100, keepAlive: false })
    for (let roll = 0; roll < rollCount; roll++) {
      const next = await startInstance()
      instances.add(next)
      expect(await stop(current), current.process.output()).toEqual({ exitCode: 0, refusedCount: 0 })
      instances.delete(current)
      current = next
    }
    const reports = [await kept.finish(), await fresh.finish()]
    expect(await stop(current)).toEqual({ exitCode: 0, refusedCount: 0 })
    expect(front.unledCount).toBe(0)
    for (const { requests, success, errors, status_codes: statusCodes } of reports) {
      expect({ success, errors: errors ?? [] }, JSON.stringify(statusCodes)).toEqual({ success: 1, errors: [] })
      expect(Object.keys(statusCodes).toSorted()).toEqual(['200', '201'])
      expect(requests).toBeGreaterThan(rollCount * 100)
    }
  })
})
