/** The work behind the operations: next to none, so that what is around it is measured. */
export function findUser(userId: string) {
  return { userId, name: 'Ada Lovelace', email: 'ada@example.com', roles: ['admin', 'user'] }
}

export interface OrderItem {
  readonly sku: string
  readonly quantity: number
  readonly unitPriceCents: number
}

export interface NewOrder<Item extends OrderItem = OrderItem> {
  readonly userId: string
  readonly items: readonly Item[]
}

export function placeOrder<Item extends OrderItem>({ userId, items }: NewOrder<Item>) {
  const totalCents = items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0)
  return { orderId: 'o1', userId, items: [...items], totalCents, status: 'placed' }
}
