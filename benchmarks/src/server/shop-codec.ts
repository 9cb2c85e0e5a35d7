import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import type { Item } from './item-work.ts'
import type { findUser, NewOrder, placeOrder } from './shop-work.ts'

type User = ReturnType<typeof findUser>
type Order = ReturnType<typeof placeOrder<Item>>

/** Empty again after each `finish()`. */
const writer = new BinaryWriter()

/**
 * The messages of shop.proto written by hand, the way generators of plain TypeScript write them (ts-proto 2): a branch for each
 * tag to read, a check for each field to write, and the library that Tenon's own codec reads and writes with. Other than theirs
 * all messages share one writer, which spares a kilobyte of garbage for each, so that the comparison is with the best there is.
 */
export function readUserRequest(bytes: Uint8Array): { userId: string } {
  const reader = new BinaryReader(bytes)
  const request = { userId: '' }
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 10) request.userId = reader.string()
    else reader.skip(tag & 7)
  }
  return request
}

export function writeUser({ userId, name, email, roles }: User): Buffer {
  if (userId !== undefined) writer.uint32(10).string(userId)
  if (name !== undefined) writer.uint32(18).string(name)
  if (email !== undefined) writer.uint32(26).string(email)
  for (const role of roles) writer.uint32(34).string(role)
  return toBuffer(writer.finish())
}

export function readOrderRequest(bytes: Uint8Array): NewOrder<Item> {
  const reader = new BinaryReader(bytes)
  const request = { userId: '', items: [] as Item[] }
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 10) request.userId = reader.string()
    else if (tag === 18) request.items.push(readItem(reader, reader.uint32()))
    else reader.skip(tag & 7)
  }
  return request
}

export function writeOrder({ orderId, userId, items, totalCents, status }: Order): Buffer {
  if (orderId !== undefined) writer.uint32(10).string(orderId)
  if (userId !== undefined) writer.uint32(18).string(userId)
  for (const item of items) {
    writer.uint32(26).fork()
    fillItem(item).join()
  }
  if (totalCents !== undefined) writer.uint32(32).int64(totalCents)
  if (status !== undefined) writer.uint32(42).string(status)
  return toBuffer(writer.finish())
}

export function readListRequest(bytes: Uint8Array): { count: number } {
  const reader = new BinaryReader(bytes)
  const request = { count: 0 }
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (tag === 8) request.count = reader.int32()
    else reader.skip(tag & 7)
  }
  return request
}

export function writeItem(item: Item): Buffer {
  return toBuffer(fillItem(item).finish())
}

function fillItem({ sku, name, quantity, unitPriceCents, labels }: Item): BinaryWriter {
  if (sku !== undefined) writer.uint32(10).string(sku)
  if (name !== undefined) writer.uint32(18).string(name)
  if (quantity !== undefined) writer.uint32(24).int32(quantity)
  if (unitPriceCents !== undefined) writer.uint32(32).int32(unitPriceCents)
  for (const label of labels) writer.uint32(42).string(label)
  return writer
}

function readItem(reader: BinaryReader, length: number): Item {
  const item = { sku: '', name: '', quantity: 0, unitPriceCents: 0, labels: [] as string[] }
  const end = reader.pos + length
  while (reader.pos < end) {
    const tag = reader.uint32()
    if (tag === 10) item.sku = reader.string()
    else if (tag === 18) item.name = reader.string()
    else if (tag === 24) item.quantity = reader.int32()
    else if (tag === 32) item.unitPriceCents = reader.int32()
    else if (tag === 42) item.labels.push(reader.string())
    else reader.skip(tag & 7)
  }
  return item
}

/** Small arrays lie on V8's heap, from where a copy is cheaper than a view. */
const largestOnHeapBytes = 64

function toBuffer(bytes: Uint8Array): Buffer {
  if (bytes.length <= largestOnHeapBytes) return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
