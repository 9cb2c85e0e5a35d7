import { expect, test } from 'vitest'
import { commandOrderId } from './command-order-id.ts'

test('gives one message one id, which is a UUID, and another message another', () => {
  const ids = ['1', '1', '2'].map((ce_id) => commandOrderId({ metadata: { ce_id, ce_source: 'web' } }))
  const elsewhere = commandOrderId({ metadata: { ce_id: '1', ce_source: 'app' } })
  expect(ids[0]).toBe(ids[1])
  expect(new Set([...ids, elsewhere]).size).toBe(3)
  for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

test('does not mistake one pair of source and id for another', () => {
  const one = commandOrderId({ metadata: { ce_source: 'a', ce_id: 'b c' } })
  const other = commandOrderId({ metadata: { ce_source: 'a b', ce_id: 'c' } })
  expect(one).not.toBe(other)
})

test.each([{}, { ce_id: '1' }, { ce_source: 'web' }, { ce_id: '', ce_source: 'web' }])(
  'refuses a message that says no more of itself than %j, and names the field that would help',
  (metadata) => {
    const refusal = thrownBy(() => commandOrderId({ metadata }))
    expect(refusal).toMatchObject({ code: 'invalid_argument', details: { violations: [{ field: '/orderId' }] } })
  },
)

function thrownBy(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
