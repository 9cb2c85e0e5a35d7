/** The work behind both operations: next to none, so that what is around it is measured. */
export function findUser(userId: string) {
  return { userId, name: 'Ada Lovelace', email: 'ada@example.com', roles: ['admin', 'user'] }
}

export interface NewOrder {
  readonly userId: string
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly unitPriceCents: number }[]
}

export function placeOrder({ userId, items }: NewOrder) {
  const totalCents = items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0)
  return { orderId: 'o1', userId, items: [...items], totalCents, status: 'placed' }
}
