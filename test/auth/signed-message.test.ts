import { defineConsumer, defineService, type Logger, ServiceError, WiringError } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { memoryBroker, memoryDriver, type QueueOptions, queueTransport } from '@tenon/transport-queue'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'

const placed = event('tenon.test.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })

/** Handles messages one by one, or several at once. */
const kinds = {
  'one by one': (handled: string[]) =>
    defineConsumer(placed, () => async ({ orderId }, { principal }) => {
      handled.push(`${orderId} of ${principal?.id}`)
    }),
  'in batches': (handled: string[]) =>
    defineConsumer(
      placed,
      () => async (messages) => {
        for (const { payload, principal } of messages) handled.push(`${payload.orderId} of ${principal?.id}`)
      },
      { batch: { maxCount: 10, maxWaitMs: 0 } },
    ),
}

function serviceOf(kind: keyof typeof kinds, trust: QueueOptions['trust'], broker = memoryBroker()) {
  const handled: string[] = []
  const service = defineService({
    name: 'stock',
    version: '1.0.0',
    admin: false,
    authenticate: ({ metadata: { sender } }) => {
      if (sender !== 'eve') return sender === undefined ? undefined : { id: sender }
      throw new ServiceError('unauthenticated', 'the credential is not valid', { cause: new Error('nobody is eve') })
    },
    handlers: [kinds[kind](handled)],
    transports: () => [queueTransport({ driver: memoryDriver({ broker }), ...(trust && { trust }) })],
  })
  return { service, handled, broker }
}

/** Three messages as anybody may write them who reaches the broker: one of a known sender, one of eve, one of nobody. */
async function deliver(kind: keyof typeof kinds, trust?: QueueOptions['trust']) {
  const { service, handled, broker } = serviceOf(kind, trust)
  const refused: string[] = []
  const line = (fields: object) => {
    // A line of a call, not that of its dead letter.
    if ('durationMs' in fields && 'code' in fields)
      refused.push(`${String(fields.code)}: ${String(Reflect.get(fields, 'cause'))}`)
  }
  const log: Logger = { debug: line, info: line, warn: line, error: line, child: () => log }
  await using _started = await service.start({ environment: {}, log })
  const records = ['ada', 'eve', undefined].map((sender) => ({
    topic: placed.topic,
    key: Buffer.from(`key of ${sender}`),
    value: Buffer.from(JSON.stringify({ orderId: `order of ${sender ?? 'nobody'}` })),
    headers: sender === undefined ? [] : [['sender', Buffer.from(sender)] as const],
  }))
  await memoryDriver({ broker }).produce(records, { timeoutMs: 5_000 })
  await eventually(() => expect(handled.length + refused.length).toBeGreaterThanOrEqual(records.length))
  return { handled: handled.toSorted(), refused: refused.toSorted() }
}

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('messages that are handled %s', (kind) => {
  it('are judged by their senders where the topics are signed', async () => {
    const { handled, refused } = await deliver(kind, 'signed')
    expect(handled).toEqual(['order of ada of ada'])
    expect(refused).toEqual(['unauthenticated: nobody is eve', 'unauthenticated: undefined'])
  })

  it('are asked for nothing where whoever may write to a topic is believed', async () => {
    const { handled, refused } = await deliver(kind)
    expect([handled.length, refused]).toEqual([3, []])
    expect(handled.join()).not.toContain('of ada of ada')
  })
})

it('a service that consumes signed topics needs somebody who knows the senders', async () => {
  const { service } = serviceOf('one by one', 'signed')
  expect((await service.check({ environment: {} })).problems).toEqual([])
  const broker = memoryBroker()
  const unable = defineService({
    name: 'stock',
    version: '1.0.0',
    admin: false,
    handlers: [kinds['one by one']([])],
    transports: () => [queueTransport({ driver: memoryDriver({ broker }), trust: 'signed' })],
  })
  await expect(unable.start({ environment: { LOG_LEVEL: 'silent' } })).rejects.toThrow(WiringError)
})

it('there are two kinds of trust', () => {
  const driver = memoryDriver({ broker: memoryBroker() })
  expect(() => queueTransport({ driver, trust: 'nobody' as never })).toThrow(
    'queueTransport: trust must be one of topic, signed, found "nobody"',
  )
})
