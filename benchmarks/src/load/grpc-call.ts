import { listItems } from '../server/item-work.ts'
import { shopProto } from '../server/shop-proto.ts'
import { findUser, placeOrder } from '../server/shop-work.ts'

/** A call whose bytes are the same every time, both ways: framed messages without compression. */
export interface GrpcCall {
  readonly name: string
  readonly path: string
  readonly request: Buffer
  /** All messages of the reply, one after the other. A message has one shortest form with its fields in order, which every library writes. */
  readonly reply: Buffer
}

/** So many items make a request and a reply of 10 KB each. */
const orderedCount = 116
const listedCount = 1_000
const order = { userId: 'u1', items: [...listItems(orderedCount)] }

export const smallCall = toCall('gRPC unary, small', 'GetUser', { userId: 'u42' }, [findUser('u42')])
export const largeCall = toCall('gRPC unary, 10 KB, nested items', 'PlaceOrder', order, [placeOrder(order)])
export const streamCall = toCall(`gRPC server stream of ${listedCount} items`, 'ListItems', { count: listedCount }, [
  ...listItems(listedCount),
])

function toCall(name: string, method: string, input: object, outputs: readonly object[]): GrpcCall {
  const definition = shopProto[method]
  if (definition === undefined) throw new Error(`shop.proto has no method ${method}`)
  const reply = Buffer.concat(outputs.map((output) => toFrame(definition.responseSerialize(output))))
  return { name, path: definition.path, request: toFrame(definition.requestSerialize(input)), reply }
}

/** @see gRPC over HTTP/2, Length-Prefixed-Message */
function toFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
