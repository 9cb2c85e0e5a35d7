import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineSchedule } from '../handler/define-handler.ts'
import { every } from '../handler/schedule/every.ts'
import { task } from '../handler/task.ts'
import { memoryRegistry } from '../registry/memory-registry.ts'
import type { Transport, TransportHost } from '../transport/transport.ts'
import { defineService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const environment = { LOG_LEVEL: 'silent', KUBERNETES_SERVICE_HOST: '10.0.0.1' }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const worker: Partial<ServiceOptions> = {
  handlers: [defineSchedule('tidy', every('1 h'), () => () => undefined)],
  background: [task('relay', () => undefined)],
}

function transport(options: Partial<Transport>, hosts: TransportHost[] = []): Transport {
  return {
    name: 'sample',
    carries: () => false,
    ...options,
    bind: (host) => {
      hosts.push(host)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
}

/** The delay that a service in Kubernetes is described with, and for how long it stops. */
async function delayOf(options: Partial<ServiceOptions>) {
  const service = defineService({ name: 'worker', version: '1.0.0', handlers: [], ...options })
  const { limits } = service.describe({ environment })
  expect(limits.deregisterDelayInKubernetesMs).toBe(limits.deregisterDelayMs)
  expect(await service.check({ environment })).toEqual({ ok: true, problems: [] })
  const started = await service.start({ environment })
  const beganAtMs = performance.now()
  const stopped = started.stop()
  await vi.runAllTimersAsync()
  expect(await stopped).toMatchObject({ exitCode: 0 })
  return { describedMs: limits.deregisterDelayMs, tookMs: performance.now() - beganAtMs }
}

it.each<readonly [string, Partial<ServiceOptions>, number]>([
  ['schedules and tasks', worker, 0],
  ['a transport that fetches its work', { transports: () => [transport({ hasCallers: false })] }, 0],
  ['a delay of its own', { ...worker, deregisterDelayMs: 700 }, 700],
  ['a registry that is none', { ...worker, registry: () => undefined }, 0],
  ['a registry', { ...worker, registry: () => memoryRegistry() }, 5_000],
  ['a transport with callers', { transports: () => [transport({})] }, 5_000],
  [
    'callers beside a transport that fetches its work',
    { transports: () => [transport({ hasCallers: false }), transport({ name: 'http' })] },
    5_000,
  ],
])('a service with %s waits in Kubernetes for the callers it has', async (_, options, delayMs) => {
  const { describedMs, tookMs } = await delayOf({ admin: false, ...options })
  expect(describedMs).toBe(delayMs)
  expect(tookMs).toBe(delayMs)
})

it('does not take the callers of the admin server for its own', async () => {
  vi.useRealTimers()
  const service = defineService({ name: 'worker', version: '1.0.0', handlers: [], admin: { port: 0 } })
  const started = await service.start({ environment })
  expect(started.addresses).toHaveLength(1)
  const { phases } = await started.stop()
  expect(phases.map(({ phase }) => phase)).not.toContain('deregister delay')
})

it('tells a transport that fetches its work of no time in which callers come', async () => {
  const hosts: TransportHost[] = []
  const transports = [{ hasCallers: false }, {}].map((options) => transport(options, hosts))
  for (const one of transports) {
    const service = defineService({ name: 'worker', version: '1.0.0', handlers: [], admin: false })
    const started = await service.start({ environment, transports: [one] })
    const stopped = started.stop()
    await vi.runAllTimersAsync()
    await stopped
  }
  expect(hosts.map(({ deregisterDelayMs }) => deregisterDelayMs)).toEqual([0, 5_000])
})

it.each<readonly [string, ServiceOptions['registry'], number]>([
  ['that announces', () => memoryRegistry(), 5_000],
  ['that only finds others', () => ({ watch: () => expect.unreachable() }), 0],
  ['that is none', () => undefined, 0],
])('outside Kubernetes waits for those who learn from a registry %s', (_what, registry, delayMs) => {
  const service = defineService({
    name: 'worker',
    version: '1.0.0',
    handlers: [],
    transports: () => [transport({})],
    ...(registry && { registry }),
  })
  expect(service.describe({ environment: {} }).limits.deregisterDelayMs).toBe(delayMs)
})
