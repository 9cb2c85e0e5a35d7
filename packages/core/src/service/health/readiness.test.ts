import { describe, expect, it, vi } from 'vitest'
import { resolveHealthCheck } from '../../handler/check-settings.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Announcement } from '../lifecycle/announcement.ts'
import { Health } from './health.ts'
import { Readiness } from './readiness.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }

/** Readiness of a service with one check, and what others hear of it. */
function readinessOf({ begin = async () => undefined }: Partial<Pick<Announcement, 'begin'>> = {}) {
  const heard: string[] = []
  const checked = { isBroken: false }
  const run = () => {
    if (checked.isBroken) throw new Error('no connection')
  }
  const settings = resolveHealthCheck('db', { gracePeriodMs: 0 })
  const health = new Health([{ name: 'db', run, settings }], { log })
  const stop = new AbortController()
  const announcement = {
    begin: async () => {
      heard.push('announce')
      await begin()
    },
    persist: async () => void heard.push('announce, and try again'),
    setHealth: (health: string) => void heard.push(`registry: ${health}`),
  }
  const transport = { isReady: true }
  const server = {
    readinessChanged: (readiness: string) => void heard.push(readiness),
    health: () => ({ isLive: true, isReady: transport.isReady }),
  }
  const readiness = new Readiness({
    parts: { health, servers: [server], announcement } as never,
    stop: stop.signal,
    log,
    onFirst: () => void heard.push('first'),
  })
  health.onChange(() => readiness.healthChanged())
  const check = async (answer: 'passes' | 'fails') => {
    checked.isBroken = answer === 'fails'
    await health.refresh()
  }
  const change = (isReady: boolean) => {
    transport.isReady = isReady
    readiness.healthChanged()
  }
  return { readiness, heard, check, change, stop, [Symbol.dispose]: () => health.close() }
}

describe('Readiness', () => {
  it('comes when all parts have started and the checks pass, and is announced then', async () => {
    using service = readinessOf()
    await service.check('passes')
    expect([service.readiness.isOpen, service.readiness.isReady]).toEqual([false, false])
    await service.readiness.open()
    expect([service.readiness.isOpen, service.readiness.isReady]).toEqual([true, true])
    expect(service.heard).toEqual(['ready', 'registry: serving', 'announce', 'first'])
  })

  it('waits for checks that fail at first, and is announced once however often they do later', async () => {
    using service = readinessOf()
    await service.check('fails')
    await service.readiness.open()
    expect([service.readiness.isOpen, service.readiness.isReady]).toEqual([true, false])
    expect(service.heard).toEqual([])
    for (const answer of ['passes', 'fails', 'passes'] as const) await service.check(answer)
    expect(service.heard).toEqual([
      'ready',
      'registry: serving',
      'announce, and try again',
      'first',
      'not_ready',
      'registry: not_serving',
      'ready',
      'registry: serving',
    ])
  })

  it('waits for a transport that can take work, and is announced when there is one', async () => {
    using service = readinessOf()
    await service.check('passes')
    service.change(false)
    await service.readiness.open()
    expect([service.readiness.isOpen, service.readiness.isReady]).toEqual([true, false])
    expect(service.heard).toEqual([])
    service.change(true)
    service.change(false)
    expect(service.heard).toEqual([
      'ready',
      'registry: serving',
      'announce, and try again',
      'first',
      'not_ready',
      'registry: not_serving',
    ])
  })

  it('does not come before all parts have started, although checks begin to pass', async () => {
    using service = readinessOf()
    await service.check('fails')
    await service.check('passes')
    expect(service.heard).toEqual([])
  })

  it('ends for good when the service is asked to stop, and does not come after', async () => {
    using service = readinessOf()
    await service.check('fails')
    await service.readiness.open()
    service.stop.abort()
    await service.check('passes')
    expect(service.readiness.isReady).toBe(false)
    expect(service.heard).toEqual([])
  })

  it('is not called so when the service was asked to stop while it was announced', async () => {
    const service = readinessOf({ begin: async () => service.stop.abort() })
    using _closing = service
    await service.check('passes')
    await service.readiness.open()
    expect(service.heard).toEqual(['ready', 'registry: serving', 'announce'])
  })

  it('passes on that the registry refuses', async () => {
    using service = readinessOf({ begin: () => Promise.reject(new Error('refused')) })
    await service.check('passes')
    await expect(service.readiness.open()).rejects.toThrow('refused')
    // Probes and transports have said so.
    expect(service.readiness.hasBeenReady).toBe(true)
  })
})
