/** What an order over gRPC is made of, and the stream. */
export interface Item {
  readonly sku: string
  readonly name: string
  readonly quantity: number
  readonly unitPriceCents: number
  // Not readonly: libraries with generated types take nothing else.
  readonly labels: string[]
}

/** Made once, for what is measured is not how an item is made. */
const items: readonly Item[] = Array.from({ length: 1_000 }, (_, index) => ({
  sku: `sku-${String(index).padStart(6, '0')}`,
  name: `A teapot of stoneware, glazed by hand, number ${index}`,
  quantity: (index % 10) + 1,
  unitPriceCents: 1_050 + index,
  labels: ['kitchen', 'handmade'],
}))

/** As many items as the caller wants, over and over the same thousand. */
export function* listItems(count: number): Generator<Item> {
  for (let index = 0; index < count; index++) yield items[index % items.length] as Item
}
