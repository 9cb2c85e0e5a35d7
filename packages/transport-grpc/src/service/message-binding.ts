import type { MessageCodec } from '../codec/message-codec.ts'

const brand: unique symbol = Symbol.for('tenon.grpc.message') as never

/** What ties an event to a message of a `.proto` file: the value of `event.proto`, made by `protoEvent()`. */
export interface MessageBinding {
  /** `shop.order.v1.OrderPlaced` */
  readonly fullName: string
  /** Compiled when first asked for, then the same. */
  readonly codec: () => MessageCodec
}

/** A binding that is recognised, also by another installed copy of this package. */
export function messageBinding(binding: MessageBinding): MessageBinding {
  return Object.freeze({ ...binding, [brand]: true })
}

export function isMessageBinding(value: unknown): value is MessageBinding {
  return typeof value === 'object' && value !== null && brand in value
}
