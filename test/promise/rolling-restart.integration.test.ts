import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { describe, expect, test } from 'vitest'
import { Balancer } from '../../packages/cli/src/verify/balancer.ts'
import { askReadiness, ReadinessWatch } from '../../packages/cli/src/verify/readiness-watch.ts'
import { startOpenLoad } from './open-load.ts'
import { type OwnProcess, runFile } from '../support/own-process.ts'

const rollCount = Number(process.env['TENON_ROLLS'] ?? 10)
const hasVegeta = spawnSync('vegeta', ['--version']).status === 0
const absence = hasVegeta || process.env['TENON_REQUIRE_INFRA'] === '1' ? undefined : 'vegeta is not on the PATH'

const balancerFile = join(import.meta.dirname, '../../packages/cli/src/balancer-thread.ts')

/** One instance of the service, in a process of its own, as `tenon verify drain` sees it. */
interface Instance {
  readonly process: OwnProcess
  readonly watch: ReadinessWatch
  readonly addresses: readonly Address[]
}

/** The instances of the service behind the balancer of `tenon verify drain`. */
class Fleet implements AsyncDisposable {
  readonly #instances = new Map<number, Instance>()
  readonly #balancer: Balancer
  /** Connections that were not taken by an instance that had said that it is ready. */
  readonly refusedBy: number[]

  private constructor(balancer: Balancer, refusedBy: number[]) {
    this.#balancer = balancer
    this.refusedBy = refusedBy
  }

  static async open(): Promise<Fleet> {
    const refusedBy: number[] = []
    const balancer = await Balancer.start(balancerFile, ['http'], (id) => refusedBy.push(id))
    return new Fleet(balancer, refusedBy)
  }

  get url(): string {
    return `http://${this.#balancer.addressOf('http')}`
  }

  get unledCount(): number {
    return this.#balancer.unledCount
  }

  /** Resolves when its probe says that it is ready, and callers are led there. */
  async start(): Promise<Instance> {
    const process = runFile(join(import.meta.dirname, 'fixture/rolling-service.ts'))
    const [addresses] = (await once(process.child, 'message')) as [readonly Address[]]
    const admin = addresses.find(({ protocol }) => protocol === 'admin')
    if (admin === undefined) throw new Error('the instance has no admin server')
    const ready = Promise.withResolvers<void>()
    const watch = new ReadinessWatch(
      () => askReadiness(admin, '/readyz'),
      () => void this.#lead().then(ready.resolve, ready.reject),
    )
    const instance = { process, watch, addresses }
    this.#instances.set(process.child.pid ?? 0, instance)
    await ready.promise
    return instance
  }

  /** Its exit code, or the signal that ended it. */
  async stop({ process, watch }: Instance): Promise<number | NodeJS.Signals> {
    process.child.kill('SIGTERM')
    const exitCode = await process.ended
    watch[Symbol.dispose]()
    this.#instances.delete(process.child.pid ?? 0)
    await this.#lead()
    return exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#balancer[Symbol.asyncDispose]()
  }

  async #lead(): Promise<void> {
    const ready = [...this.#instances].filter(([, { watch }]) => watch.last === 'ready')
    await this.#balancer.lead(ready.map(([id, { addresses }]) => ({ id, addresses })))
  }
}

describe.skipIf(absence)(`rolling restarts under load${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test(`${rollCount} of them fail no request`, { timeout: 60_000 + rollCount * 10_000 }, async () => {
    await using fleet = await Fleet.open()
    let current = await fleet.start()
    const { url } = fleet
    await using kept = await startOpenLoad({ url, perSecond: 100, keepAlive: true })
    await using fresh = await startOpenLoad({ url, perSecond: 100, keepAlive: false })
    for (let roll = 0; roll < rollCount; roll++) {
      const next = await fleet.start()
      expect(await fleet.stop(current), current.process.output()).toBe(0)
      current = next
    }
    const reports = [await kept.finish(), await fresh.finish()]
    expect(await fleet.stop(current)).toBe(0)
    expect([fleet.refusedBy, fleet.unledCount]).toEqual([[], 0])
    for (const { requests, success, errors, status_codes: statusCodes } of reports) {
      expect({ success, errors: errors ?? [] }, JSON.stringify(statusCodes)).toEqual({ success: 1, errors: [] })
      expect(Object.keys(statusCodes).toSorted()).toEqual(['200', '201'])
      expect(requests).toBeGreaterThan(rollCount * 100)
    }
  })
})
