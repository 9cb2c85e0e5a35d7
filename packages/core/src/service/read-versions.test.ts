import Type from 'typebox'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { event } from '../contract/event.ts'
import { upcast } from '../contract/event-upcast.ts'
import { isUnreadable } from '../error/unreadable.ts'
import { int64 } from '../schema/native/int64.ts'
import { readVersions } from './read-versions.ts'

const v1 = event('shop.order.placed.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: Type.String(), cents: int64() }),
})

/** The reader of an older event's payloads, by its topic. */
function readerOf(of: Parameters<typeof readVersions>[0], topic: string) {
  const found = readVersions(of).find(({ event: { topic: own } }) => own === topic)
  if (found === undefined) throw new Error(`nothing reads ${topic}`)
  return async (value: unknown) => found.input.read(value)
}

test('an older payload is read by its own schema, brought up, and read by the newer schema', async () => {
  const seen: unknown[] = []
  const v2 = event('shop.order.placed.v2', {
    key: 'orderId',
    payload: z.object({
      orderId: z.string(),
      amount: z.number().transform((cents) => cents / 100),
      note: z.string().default(''),
    }),
    upcasts: [
      upcast(v1, (older) => {
        seen.push(older)
        return { orderId: older.orderId, amount: Number(older.cents), stray: true }
      }),
    ],
  })
  expect(readVersions(v2).map(({ event: { topic }, into }) => [topic, into?.topic])).toEqual([
    ['shop.order.placed.v2', undefined],
    ['shop.order.placed.v1', 'shop.order.placed.v2'],
  ])
  const read = readerOf(v2, v1.topic)
  expect(await read({ orderId: 'o', cents: '350', more: 1 })).toEqual({
    ok: true,
    value: { orderId: 'o', amount: 3.5, note: '' },
  })
  expect(seen).toEqual([{ orderId: 'o', cents: 350n }])
  expect(await read({ orderId: 'o', cents: 'many' })).toMatchObject({ ok: false, violations: [{ field: '/cents' }] })
  expect(seen).toHaveLength(1)
})

test('what an upcast gives again and again is left as it is', async () => {
  const shared = Object.freeze({ orderId: 'all', more: Object.freeze({ stray: 1 }) })
  const payload = Type.Object({ orderId: Type.String(), more: Type.Object({ note: Type.String({ default: '' }) }) })
  const v2 = event('shop.order.placed.v2', { key: 'orderId', payload, upcasts: [upcast(v1, () => shared as never)] })
  const read = readerOf(v2, v1.topic)
  for (const cents of ['1', '2'])
    expect(await read({ orderId: 'o', cents })).toEqual({ ok: true, value: { orderId: 'all', more: { note: '' } } })
})

test('a chain goes from step to step, each with its own schema, also where one waits for its library', async () => {
  const v2 = event('shop.order.placed.v2', {
    key: 'orderId',
    payload: z.object({ orderId: z.string(), cents: z.string().refine(async (text) => text !== '13', 'is unlucky') }),
    upcasts: [upcast(v1, ({ orderId, cents }) => ({ orderId, cents: String(cents) }))],
  })
  const v3 = event('shop.order.placed.v3', {
    key: 'orderId',
    payload: Type.Object({ orderId: Type.String(), euros: Type.Number() }),
    upcasts: [upcast(v2, ({ orderId, cents }) => ({ orderId, euros: Number(cents) / 100 }))],
  })
  const read = readerOf(v3, v1.topic)
  expect(await read({ orderId: 'o', cents: '250' })).toEqual({ ok: true, value: { orderId: 'o', euros: 2.5 } })
  const error: unknown = await read({ orderId: 'o', cents: '13' }).catch((thrown: unknown) => thrown)
  expect(String(Reflect.get(Object(error), 'cause'))).toContain('/cents is unlucky')
})

test.each<[what: string, convert: (older: unknown) => unknown, cause: string]>([
  [
    'throws',
    () => {
      throw new Error('no currency')
    },
    'no currency',
  ],
  ['gives what no message holds', () => ({ orderId: () => 'o' }), 'could not be cloned'],
  ['gives what does not fit', () => ({ orderId: 1 }), '/orderId'],
  ['gives nothing', () => undefined, 'does not fit its schema'],
])('an upcast that %s is told as such, and nobody can read the message', async (_what, convert, cause) => {
  const payload = Type.Object({ orderId: Type.String() })
  const v2 = event('shop.order.placed.v2', { key: 'orderId', payload, upcasts: [upcast(v1, convert as () => never)] })
  const error: unknown = await readerOf(v2, v1.topic)({ orderId: 'o', cents: '1' }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'internal',
    reason: 'upcast_failed',
    message: 'a payload of shop.order.placed.v1 could not be made one of shop.order.placed.v2',
  })
  expect(String(Reflect.get(Object(error), 'cause'))).toContain(cause)
  expect(isUnreadable(error as never)).toBe(true)
})
