import { toDelivery } from '../contract/check-delivery.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'

/** What the side that consumes an event says of it; publishers need not know. */
export interface ConsumesOptions extends DeliveryOptions {
  /** The consumer group: one member of it handles each message. @defaultValue the service's name */
  readonly group?: string
}

/** The same, told apart. */
export interface Consuming {
  /** Undefined means the service's name. */
  readonly group: string | undefined
  readonly delivery: DeliveryOptions
}

/** @throws ContractError `contract.setting` naming the place */
export function toConsuming(where: string, { group, ...delivery }: ConsumesOptions): Consuming {
  return { group, delivery: toDelivery(where, delivery) }
}
