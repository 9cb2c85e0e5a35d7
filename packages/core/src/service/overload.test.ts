import Type from 'typebox'
import { expect, it, vi } from 'vitest'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { defineConsumer, defineHandler } from '../handler/define-handler.ts'
import type { EventEndpoint, OperationEndpoint } from '../transport/endpoint.ts'
import type { Pressure, Transport } from '../transport/transport.ts'
import { defineService } from './define-service.ts'
import type { ServiceOptions } from './service-options.ts'

const Empty = Type.Object({})
const works = contract('demo.v1.WorkService', {
  work: { input: Empty, output: Empty },
  look: { input: Empty, output: Empty },
})
const gathered = event('demo.gathered.v1', { key: 'noteId', payload: Type.Object({ noteId: Type.String() }) })
const noted = event('demo.noted.v1', { key: 'noteId', payload: Type.Object({ noteId: Type.String() }) })

/** Holds the thread, whatever machine it is. */
function compute(forMs: number): void {
  const endsAtMs = performance.now() + forMs
  while (performance.now() < endsAtMs);
}

/** A service whose operations and events come without any wire; `work` computes a millisecond. */
async function startWorks(options: Partial<ServiceOptions> = {}) {
  const operations: OperationEndpoint[] = []
  const events: EventEndpoint[] = []
  const pressures: Pressure[] = []
  const order: string[] = []
  const transport: Transport = {
    name: 'direct',
    carries: () => true,
    carriesEvents: true,
    bind: (host) => {
      operations.push(...host.operations)
      events.push(...host.events)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        pressureChanged: (pressure) => void pressures.push(pressure),
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  const work = () => {
    compute(1)
    order.push('work')
    return {}
  }
  const service = defineService({
    name: 'work',
    version: '1.0.0',
    admin: { port: 0 },
    transports: () => [transport],
    handlers: [
      defineHandler(works, () => ({ work, look: () => ({}) }), {
        operations: { work: { criticality: 'sheddable' }, look: { criticality: 'critical_plus' } },
      }),
      defineConsumer(noted, () => () => void order.push('noted')),
      defineConsumer(gathered, () => () => void order.push('gathered'), { batch: { maxCount: 2 } }),
    ],
    ...options,
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const arrival = { transport: 'direct', metadata: {}, decode: () => ({}) }
  const call = async (name: 'work' | 'look') => {
    const endpoint = operations.find(({ operation }) => operation.name === name)
    const outcome = await endpoint?.dispatch(arrival)
    return outcome?.ok === true ? 'ok' : outcome?.error.code
  }
  const deliver = async () =>
    (await events[0]?.dispatch({ ...arrival, decode: () => ({ noteId: '1' }), isTrusted: true, isAccepted: true }))?.ok
  /** What became of a batch, and what was asked and told of it. */
  const deliverBatch = async (timeoutMs: number) => {
    const told: string[] = []
    const message = {
      arrival: { metadata: {} },
      get payload() {
        told.push('read')
        return { noteId: '1' }
      },
    }
    const ended = () => told.push('ended')
    const batch = { transport: 'direct', isTrusted: true, isAccepted: true, timeoutMs, messages: [message], ended }
    const [outcome] = (await events[1]?.batch?.dispatch(batch)) ?? []
    return [outcome?.ok === true ? 'ok' : outcome?.error.code, ...told]
  }
  const adminPort = started.addresses.find(({ protocol }) => protocol === 'admin')?.port
  const info = async () => (await fetch(`http://127.0.0.1:${adminPort}/info`)).json() as Promise<{ overload?: object }>
  return {
    call,
    deliver,
    deliverBatch,
    info,
    pressures,
    order,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

const many = <Result>(count: number, make: () => Result) => Array.from({ length: count }, make)

it('refuses the least critical of too many calls, none that is critical, and tells transports and /info', async () => {
  await using works = await startWorks({ overload: {} })
  // From these it learns what calls cost.
  await Promise.all(many(20, () => works.call('work')))
  const sent = many(500, () => works.call('work'))
  const critical = many(5, () => works.call('look'))
  expect(new Set(await Promise.all(sent))).toEqual(new Set(['ok', 'resource_exhausted']))
  expect(await Promise.all(critical)).toEqual(many(5, () => 'ok'))
  expect(works.pressures[0]).toBe('high')
  const { overload } = await works.info()
  expect(overload).toMatchObject({
    concurrencyLimit: 200,
    runningCount: 0,
    refusedCounts: { critical_plus: 0, critical: 0, sheddable: expect.any(Number) },
  })
  await vi.waitFor(() => expect(works.pressures).toEqual(['high', 'normal']), { timeout: 5_000 })
})

it('handles what a queue delivers between calls that wait, and refuses none of it', async () => {
  await using works = await startWorks({ overload: {} })
  const sent = many(50, () => works.call('work'))
  const delivered = many(3, () => works.deliver())
  expect(await Promise.all(delivered)).toEqual([true, true, true])
  await Promise.all(sent)
  const lastNoted = works.order.lastIndexOf('noted')
  expect(works.order.slice(0, lastNoted)).toContain('work')
})

it('reads nothing of a batch whose time passes before its turn, and says of no other that it has not begun', async () => {
  await using works = await startWorks({ overload: {} })
  const sent = many(50, () => works.call('work'))
  expect(await Promise.all([works.deliverBatch(1), works.deliverBatch(60_000)])).toEqual([
    ['deadline_exceeded'],
    ['ok', 'read', 'ended'],
  ])
  await Promise.all(sent)
  expect(works.order.filter((name) => name === 'gathered')).toHaveLength(1)
})

it('lets all calls in at once without the option, and tells nothing of it', async () => {
  await using works = await startWorks()
  const sent = many(100, () => works.call('work'))
  expect(works.order).toHaveLength(100)
  expect(await Promise.all(sent)).toEqual(many(100, () => 'ok'))
  expect(await works.info()).not.toHaveProperty('overload')
  expect(works.pressures).toEqual([])
})

it.each([[{ overload: { maxDelayMs: 1 } }, 'overload: maxDelayMs must be from 10 to 10000, found 1']] as const)(
  'does not start with %j',
  async (options, message) => {
    await expect(startWorks(options)).rejects.toThrow(message)
  },
)
