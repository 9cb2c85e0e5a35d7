import { defineService } from '@tenon/core'
import { httpTransport } from '@tenon/transport-http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { podBudget } from './pod-budget.ts'
import { checked, described } from './sample-service.test-harness.ts'

const bare = described()
const withLimits = (limits: Partial<typeof bare.limits>) => described({ limits: { ...bare.limits, ...limits } })
const timeMs = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 600_000 }))

/** Services as their users write them, with and without callers. */
const service = fc.record({ shutdownTimeoutMs: timeMs, hasCaller: fc.boolean(), waits: fc.boolean() }).map((given) =>
  defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [],
    transports: () => (given.hasCaller ? [httpTransport({ port: 3000 })] : []),
    shutdownTimeoutMs: given.shutdownTimeoutMs,
    ...(given.waits ? {} : { deregisterDelayMs: 0 }),
  }),
)

describe('podBudget', () => {
  it('leaves a service the time that it refuses to start without, and no second more', async () => {
    await fc.assert(
      fc.asyncProperty(service, async (one) => {
        const { killDelayMs, gracePeriodSeconds, preStopSeconds } = podBudget(one.describe())
        const problemsWith = async (ms: number) => {
          const { problems } = await one.check({ environment: { TENON_KILL_DELAY_MS: String(ms) } })
          return problems.filter(({ message }) => message.includes('TENON_KILL_DELAY_MS'))
        }
        expect(await problemsWith(killDelayMs.value)).toEqual([])
        expect(await problemsWith(killDelayMs.value - 1000)).not.toEqual([])
        expect(gracePeriodSeconds.value * 1000).toBe(killDelayMs.value + (preStopSeconds?.value ?? 0) * 1000)
      }),
      { numRuns: 50 },
    )
  })

  it('sleeps before SIGTERM only where somebody calls and the service does not wait itself', () => {
    fc.assert(
      fc.property(service, (one) => {
        const description = one.describe()
        const isCalled = description.transports.length > 0
        const waitsItself = description.limits.deregisterDelayInKubernetesMs > 0
        expect(podBudget(description).preStopSeconds !== undefined).toBe(isCalled && !waitsItself)
      }),
      { numRuns: 50 },
    )
  })

  it('takes a service that a registry tells of for one that is called', () => {
    const limits = { ...bare.limits, deregisterDelayInKubernetesMs: 0 }
    const worker = described({ transports: [], limits })
    expect(podBudget(worker).preStopSeconds).toBeUndefined()
    expect(podBudget({ ...worker, isRegistered: true }).preStopSeconds).toBeDefined()
  })

  it('tells of the sleep where there is one', () => {
    expect(podBudget(withLimits({ deregisterDelayInKubernetesMs: 0 }))).toMatchObject({
      preStopSeconds: { value: 5, reason: expect.stringContaining('deregisterDelayMs is 0') },
      gracePeriodSeconds: {
        value: 31,
        reason: 'shutdownTimeoutMs 25000 + 1000 ms for the process to end, rounded up, + 5 s of preStop',
      },
      killDelayMs: { value: 26_000, reason: expect.stringContaining('without preStop') },
    })
  })

  it('rounds up to whole seconds', () => {
    expect(podBudget(withLimits({ shutdownTimeoutMs: 1_001 })).gracePeriodSeconds).toEqual({
      value: 3,
      reason: 'shutdownTimeoutMs 1001 + 1000 ms for the process to end, rounded up',
    })
  })

  it('lets a start take its whole time and the loading of the code, and a rollout more than that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_600_000 }), timeMs, (startTimeoutMs, shutdownTimeoutMs) => {
        const budget = podBudget(withLimits({ startTimeoutMs, shutdownTimeoutMs }))
        const probedSeconds = budget.startupFailures.value * 2
        expect(probedSeconds * 1000).toBeGreaterThanOrEqual(startTimeoutMs + 10_000)
        expect(probedSeconds * 1000).toBeLessThan(startTimeoutMs + 10_000 + 2_000)
        expect(budget.progressDeadlineSeconds.value).toBeGreaterThanOrEqual(600)
        expect(budget.progressDeadlineSeconds.value).toBeGreaterThan(probedSeconds + budget.gracePeriodSeconds.value)
      }),
    )
  })

  it.each([
    [[], 5],
    [[checked('db', { affects: 'readiness', intervalMs: 30_000 })], 5],
    [[checked('db', { affects: 'readiness', intervalMs: 2_500 })], 3],
    [[checked('db', { affects: 'readiness', intervalMs: 10 })], 2],
    [[checked('db', { affects: 'readiness', intervalMs: 10, timeoutMs: 5 })], 1],
    [[checked('db', { affects: 'readiness', timeoutMs: 7_001 })], 8],
    [[checked('heap', { affects: 'liveness', intervalMs: 1_000, timeoutMs: 9_000 })], 5],
    [
      [
        checked('a', { affects: 'readiness', intervalMs: 4_000 }),
        checked('b', { affects: 'readiness', intervalMs: 3_000 }),
      ],
      3,
    ],
  ])(
    'asks for readiness as often as its quickest check runs, every 5 s at least, but not while one may take (%#)',
    (checks, expected) => {
      expect(podBudget(described({ checks })).readinessPeriodSeconds.value).toBe(expected)
    },
  )

  it('says which check the period of readiness comes from', () => {
    const reasonOf = (fields: Parameters<typeof checked>[1]) =>
      podBudget(described({ checks: [checked('db', { affects: 'readiness', ...fields })] })).readinessPeriodSeconds
        .reason
    expect(reasonOf({ intervalMs: 3_000 })).toBe('as often as the check db runs, every 3000 ms')
    expect(reasonOf({ timeoutMs: 6_000 })).toBe('no more often than the check db may take, 6000 ms')
    expect(reasonOf({ intervalMs: 60_000 })).toBe('docs/probes.md: a guess to begin with')
  })
})
