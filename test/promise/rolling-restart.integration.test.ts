import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { describe, expect, test } from 'vitest'
import { startOpenLoad } from './open-load.ts'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { type Backend, startTcpBalancer, type TcpBalancer } from './tcp-balancer.ts'

const rollCount = Number(process.env['TENON_ROLLS'] ?? 10)
const hasVegeta = spawnSync('vegeta', ['--version']).status === 0
const absence = hasVegeta || process.env['TENON_REQUIRE_INFRA'] === '1' ? undefined : 'vegeta is not on the PATH'

/** One instance of the service, in a process of its own. */
interface Instance extends Backend {
  readonly process: OwnProcess
}

async function startInstance(balancer: TcpBalancer): Promise<Instance> {
  const process = runFile(join(import.meta.dirname, 'fixture/rolling-service.ts'))
  const [addresses] = (await once(process.child, 'message')) as [readonly Address[]]
  const portOf = (protocol: string) => addresses.find((address) => address.protocol === protocol)?.port ?? 0
  const instance = { process, port: portOf('http'), adminPort: portOf('admin') }
  await balancer.add(instance)
  return instance
}

describe.skipIf(absence)(`rolling restarts under load${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test(`${rollCount} of them fail no request`, { timeout: 60_000 + rollCount * 10_000 }, async () => {
    await using balancer = await startTcpBalancer()
    let current = await startInstance(balancer)
    const url = `http://127.0.0.1:${balancer.port}`
    await using kept = await startOpenLoad({ url, perSecond: 100, keepAlive: true })
    await using fresh = await startOpenLoad({ url, perSecond: 100, keepAlive: false })
    for (let roll = 0; roll < rollCount; roll++) {
      const next = await startInstance(balancer)
      current.process.child.kill('SIGTERM')
      expect(await current.process.ended, current.process.output()).toBe(0)
      balancer.remove(current)
      current = next
    }
    const reports = [await kept.finish(), await fresh.finish()]
    current.process.child.kill('SIGTERM')
    expect(await current.process.ended).toBe(0)
    expect(balancer.refusedCount).toBe(0)
    for (const { requests, success, errors, status_codes: statusCodes } of reports) {
      expect({ success, errors: errors ?? [] }, JSON.stringify(statusCodes)).toEqual({ success: 1, errors: [] })
      expect(Object.keys(statusCodes).toSorted()).toEqual(['200', '201'])
      expect(requests).toBeGreaterThan(rollCount * 100)
    }
  })
})
