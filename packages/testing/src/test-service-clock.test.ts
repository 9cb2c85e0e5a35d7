import {
  currentCall,
  defineConsumer,
  defineHandler,
  defineService,
  event,
  inject,
  provide,
  Publisher,
  ServiceError,
  token,
} from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { fakeClock } from './clock/fake-clock.ts'
import { testService } from './test-service.ts'

const Name = Type.Object({ name: Type.String() })
const operation = { input: Name, output: Type.Object({}), timeoutMs: 60_000 }
const jobs = contract('demo.v1.Jobs', {
  begin: { ...operation, queue: { topic: 'demo.begin.v1', key: 'name' } },
  hang: { ...operation, queue: { topic: 'demo.hang.v1', key: 'name' } },
})
const begun = event('demo.begun.v1', { key: 'name', payload: Name })
const Schedule = token<Disposable>('Schedule')
const startAt = Date.parse('2026-01-01T00:00:00Z')
const tick = () => Date.now() - startAt

/** A service whose consumer fails twice before it takes a message, and whose provider works by the hour. */
function jobService() {
  const attempts: string[] = []
  const runs: number[] = []
  const service = defineService({
    name: 'jobs',
    version: '1.0.0',
    // Short, for what hangs is waited for in real time.
    shutdownTimeoutMs: 20,
    providers: () => [
      provide(Schedule, {
        create: () => {
          const timer = setInterval(() => runs.push(tick()), 3_600_000)
          return { [Symbol.dispose]: () => clearInterval(timer) }
        },
      }),
    ],
    handlers: [
      defineHandler(jobs, () => {
        const publisher = inject(Publisher)
        inject(Schedule)
        return {
          begin: async ({ name }) => {
            await publisher.publish(begun, { name })
            return {}
          },
          hang: () => new Promise<object>(() => undefined),
        }
      }),
      defineConsumer(begun, () => async () => {
        attempts.push(`${currentCall()?.attempt} at ${tick()}`)
        if (attempts.length % 3 !== 0) throw new ServiceError('aborted', 'again')
      }),
    ],
    transports: () => [
      queueTransport({
        driver: memoryDriver({ broker: memoryBroker() }),
        retry: { initialDelayMs: 1_000, maxDelayMs: 600_000 },
        random: () => 1,
      }),
    ],
  })
  return { service, attempts, runs }
}

test('a fake clock drives the retries of a queue', async () => {
  const { service, attempts } = jobService()
  using clock = fakeClock({ now: startAt })
  await using tested = await testService(service, { transports: 'own', clock })
  expect(tested.clock).toBe(clock)
  await tested.call(jobs.begin, { name: 'a' })
  await clock.advance(999)
  expect(attempts).toEqual(['1 at 0'])
  await clock.advance(1)
  await clock.advance(2_000)
  expect(attempts).toEqual(['1 at 0', '2 at 1000', '3 at 3000'])
  await clock.advance(600_000)
  expect(attempts).toHaveLength(3)
})

test('a fake clock drives schedules', async () => {
  const { service, runs } = jobService()
  using clock = fakeClock({ now: startAt })
  await using _tested = await testService(service, { clock })
  await clock.advance(2 * 3_600_000)
  expect(runs).toEqual([3_600_000, 7_200_000])
})

test('a handler that hangs does not hold up the end of a test on a fake clock', async () => {
  const { service } = jobService()
  const before = setTimeout
  let cancelled: Promise<void>
  {
    await using tested = await testService(service, { clock: 'fake' })
    cancelled = expect(tested.call(jobs.hang, { name: 'a' })).rejects.toMatchObject({ code: 'cancelled' })
    await tested.clock.advance(1_000)
  }
  await cancelled
  expect([service.state, setTimeout]).toEqual(['stopped', before])
})

test('a stop on a fake clock can be driven', async () => {
  const { service } = jobService()
  await using tested = await testService(service, { clock: 'fake' })
  const cut = expect(tested.call(jobs.hang, { name: 'a' })).rejects.toMatchObject({ code: 'unavailable' })
  const stopping = tested.stop()
  await tested.clock.advance(20)
  await cut
  expect(await stopping).toMatchObject({ exitCode: 1 })
})

test('its own servers answer while time stands still', async () => {
  const web = contract('demo.v1.Web', {
    now: { input: Type.Object({}), output: Type.Object({ at: Type.Integer() }), http: 'GET /v1/now' },
  })
  const service = defineService({
    name: 'web',
    version: '1.0.0',
    handlers: [defineHandler(web, () => ({ now: () => ({ at: Date.now() }) }))],
    transports: () => [httpTransport()],
  })
  using clock = fakeClock({ now: startAt })
  await using tested = await testService(service, { transports: 'own', clock })
  await clock.advance(1_000)
  const response = await fetch(`http://${tested.address('http')}/v1/now`)
  expect(await response.json()).toEqual({ at: startAt + 1_000 })
})
