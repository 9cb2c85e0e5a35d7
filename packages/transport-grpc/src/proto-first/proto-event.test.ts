import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ContractError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import { EverythingSchema, ItemSchema } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { protobufFormat } from '../format/protobuf-format.ts'
import { protoOf } from '../lock/proto-of.ts'
import { updateProto } from '../lock/update-proto.ts'
import { protoEvent } from './index.ts'

const added = protoEvent('corpus.item.added.v1', ItemSchema, {
  key: 'itemId',
  summary: 'An item was added.',
  tags: ['items'],
})
const codecOf = (event: typeof added) =>
  protobufFormat().compile({ kind: 'event', event, jsonSchema: event.payloadJsonSchema })

it('is in protobuf unless it says otherwise', () => {
  expect(added).toMatchObject({
    topic: 'corpus.item.added.v1',
    key: 'itemId',
    format: 'protobuf',
    summary: 'An item was added.',
    tags: ['items'],
  })
  expect(protoEvent('corpus.item.added.v1', ItemSchema, { key: 'itemId', format: 'json' }).format).toBe('json')
})

it('has the bytes of its message, and plain values', () => {
  const { write, read } = codecOf(added)
  const value = { itemId: 'i', note: 'n', shade: 'SHADE_DARK', price: { currency: 'EUR', units: 2n ** 60n } }
  const message = fromBinary(ItemSchema, write(value))
  expect(message).toMatchObject({
    itemId: 'i',
    note: 'n',
    shade: 1,
    price: { currency: 'EUR', units: 2n ** 60n },
  })
  expect(read(toBinary(ItemSchema, message))).toMatchObject(value)
  expect(() => read(Uint8Array.of(0xff))).toThrow('the message cannot be decoded')
})

it('shows 64-bit integers as text where it says so', () => {
  const textual = protoEvent('corpus.all.v1', EverythingSchema, { key: 'stringOne', int64: 'string' })
  const { read } = protobufFormat().compile({ kind: 'event', event: textual, jsonSchema: textual.payloadJsonSchema })
  expect(read(toBinary(EverythingSchema, create(EverythingSchema, { int64One: 5n })))).toMatchObject({ int64One: '5' })
})

it('has its file already', async () => {
  expect(() => protoOf(added)).toThrow(
    'event corpus.item.added.v1: it was made from the message corpus.v1.Item, whose .proto file is the one to use',
  )
  await expect(updateProto(added)).rejects.toThrow('event corpus.item.added.v1 names no file for its lock')
})

it('must have a key that is text', () => {
  expect(() => protoEvent('corpus.item.added.v1', ItemSchema, { key: 'shade' })).toThrow(ContractError)
  // @ts-expect-error -- no field of the message has the name
  expect(() => protoEvent('corpus.item.added.v1', ItemSchema, { key: 'id' })).toThrow('key "id" must name a text field')
})
