import { event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { placeOrder } from './shop-work.ts'

/** Where the orders are, anew in every run. */
export const benchTopic = process.env['BENCH_TOPIC'] ?? 'tenon.bench'

const Item = Type.Object({
  sku: Type.String({ minLength: 1 }),
  quantity: Type.Integer({ minimum: 1, maximum: 1_000 }),
  unitPriceCents: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
})

/** What every message is: an order, which Tenon validates. */
export const orderPlaced = event(benchTopic, {
  key: 'userId',
  payload: Type.Object({
    /** When it was sent, in milliseconds since 1970; 0 where that does not count. */
    sentAt: Type.Number(),
    userId: Type.String(),
    note: Type.String(),
    items: Type.Array(Item, { minItems: 1 }),
  }),
})

interface Order {
  readonly sentAt: number
  readonly userId: string
  readonly note: string
  readonly items: { readonly sku: string; readonly quantity: number; readonly unitPriceCents: number }[]
}

export const userCount = 1_000
/** Whose message lies before all others, where one does. */
export const poisonKey = 'poison'
const items = Array.from({ length: 10 }, (_, index) => ({
  sku: `sku-${index}`,
  quantity: index + 1,
  unitPriceCents: 350 + index,
}))
const valueBytes = 1_024

/** The order of a number: one kibibyte as JSON, of one of a thousand users. */
export function orderOf(index: number, sentAt = 0): Order {
  const bare = { sentAt, userId: `user-${index % userCount}`, note: '', items }
  return { ...bare, note: 'x'.repeat(Math.max(0, valueBytes - JSON.stringify(bare).length)) }
}

/** The work behind a message: next to none, so that what is around it is measured. */
export function handleOrder(order: Order): void {
  if (placeOrder(order).totalCents <= 0) throw new Error('an order of nothing')
}

/** The same for a program that is handed bytes. */
export function handleBytes(value: Uint8Array | null): void {
  handleOrder(JSON.parse(Buffer.from(value ?? []).toString()) as Order)
}
