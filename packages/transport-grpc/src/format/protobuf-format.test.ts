import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bytes, contract, event, int64, timestamp, uint64 } from '@tenon/core/contract'
import type { CommandContent, EventContent } from '@tenon/core/transport'
import Type, { type TProperties } from 'typebox'
import { expect, it, onTestFinished } from 'vitest'
import { CorpusService } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { protoOf } from '../lock/proto-of.ts'
import { protoContract } from '../proto-first/index.ts'
import { toProtoService } from '../service/proto-service.ts'
import { protobufFormat } from './protobuf-format.ts'

const format = protobufFormat()
const Stored = Type.Object({
  id: Type.String(),
  size: int64(),
  free: uint64(),
  storedAt: timestamp(),
  data: bytes(),
  note: Type.Union([Type.String(), Type.Null()]),
  owners: Type.Record(Type.String(), int64()),
})
const value = {
  id: 'a',
  size: -(2n ** 63n),
  free: 2n ** 64n - 1n,
  storedAt: '2026-01-31T12:00:00.123456789Z',
  data: Uint8Array.of(0, 255),
  note: null,
  owners: { ada: 1n },
}
const asEvent = (of: ReturnType<typeof event>): EventContent => ({
  kind: 'event',
  event: of,
  jsonSchema: of.payloadJsonSchema,
})
const asCommand = (operation: CommandContent['operation']): CommandContent => ({
  kind: 'command',
  operation,
  jsonSchema: operation.inputJsonSchema,
})

/** The address of a file with the text. */
async function fileOf(text: string): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-format-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'lock.proto')
  await writeFile(path, text)
  return pathToFileURL(path)
}

it('is called protobuf and reads its older names too', () => {
  expect(format).toMatchObject({ name: 'protobuf', contentType: 'application/protobuf' })
  expect(format.aliases).toEqual(['application/x-protobuf', 'application/vnd.google.protobuf'])
})

it('gives back every native type of an event exactly', () => {
  const { write, read } = format.compile(asEvent(event('shop.file.stored.v1', { key: 'id', payload: Stored })))
  expect(read(write(value))).toEqual(value)
  expect(() => read(Buffer.from('{"id":"a"}'))).toThrow('the message cannot be decoded')
})

it('gives values that are apart from the bytes they came from, which a dead letter still needs', () => {
  const payload = Type.Object({ id: Type.String(), data: bytes() })
  const { write, read } = format.compile(asEvent(event('shop.file.stored.v1', { key: 'id', payload })))
  const written = write({ id: 'a', data: Uint8Array.of(1, 2) })
  const { data } = read(written) as { readonly data: Uint8Array }
  data.fill(9)
  expect(read(written)).toEqual({ id: 'a', data: Uint8Array.of(1, 2) })
})

it('numbers an event as its lock does', async () => {
  const before = event('shop.file.kept.v1', {
    key: 'id',
    payload: Type.Object({ name: Type.String(), id: Type.String() }),
  })
  const proto = await fileOf(protoOf(before))
  const now = event('shop.file.kept.v1', {
    key: 'id',
    payload: Type.Object({ id: Type.String(), name: Type.String() }),
    proto,
  })
  const written = format.compile(asEvent(before)).write({ id: 'i', name: 'n' })
  expect(format.compile(asEvent(now)).read(written)).toEqual({ id: 'i', name: 'n' })
  const unlocked = event('shop.file.kept.v1', { key: 'id', payload: now.payloadSchema as typeof before.spec.payload })
  expect(format.compile(asEvent(unlocked)).read(written)).toEqual({ id: 'n', name: 'i' })
})

it('is read by the version before and the version after, where a lock keeps the numbers', async () => {
  const make = (fields: TProperties, proto?: URL) => {
    const payload = Type.Object({ id: Type.String(), ...fields })
    return event('shop.file.kept.v1', { key: 'id', payload, ...(proto && { proto }) })
  }
  const first = make({ name: Type.String(), size: int64() })
  const lock = protoOf(first)
  const after = { size: int64(), color: Type.Optional(Type.String()) }
  const second = make(after, await fileOf(protoOf(make(after), { lock })))
  const [older, newer] = [format.compile(asEvent(first)), format.compile(asEvent(second))]
  expect(older.read(newer.write({ id: 'i', size: 5n, color: 'red' }))).toEqual({ id: 'i', size: 5n })
  expect(newer.read(older.write({ id: 'i', size: 5n, name: 'n' }))).toEqual({ id: 'i', size: 5n })
})

it('tells of a lock that is not there by event and file', () => {
  const proto = new URL('./missing.proto', import.meta.url)
  const of = event('shop.file.kept.v1', { key: 'id', payload: Type.Object({ id: Type.String() }), proto })
  expect(() => format.compile(asEvent(of))).toThrow(
    /event shop\.file\.kept\.v1: the lock of its field numbers, .*missing\.proto, is not there/,
  )
})

it('writes the same bytes for a command as gRPC does for a request', async () => {
  const queue = { topic: 'shop.file.store.v1', key: 'id' } as const
  const make = (fields: 'first' | 'then', proto?: URL) =>
    contract(
      'shop.file.v1.FileService',
      {
        find: { input: Type.Object({ id: Type.String() }), output: Stored },
        store: {
          input: fields === 'first' ? Stored : Type.Object({ color: Type.Boolean(), ...Stored.properties }),
          output: Type.Object({}),
          queue,
        },
      },
      proto === undefined ? {} : { proto },
    )
  const plain = make('first')
  const locked = make('then', await fileOf(protoOf(plain)))
  for (const [one, given] of [
    [plain, value],
    [locked, { ...value, color: true }],
  ] as const) {
    const { operations } = { operations: [one.find, one.store] }
    const [, method] = toProtoService({ name: 'shop.file.v1.FileService', operations }).methods
    const { write, read } = format.compile(asCommand(one.store))
    expect(write(given)).toEqual(method?.request.encode(given))
    expect(read(write(given))).toMatchObject({ id: 'a', size: value.size })
  }
})

it('carries a command of a contract that is made from .proto files', () => {
  const corpus = protoContract(CorpusService)
  const operation = corpus.getItem as unknown as CommandContent['operation']
  const { write, read } = format.compile(asCommand(operation))
  expect(read(write({ itemId: 'i' }))).toMatchObject({ itemId: 'i' })
})

it('tells the full name of a message, and its definition unless that is a file already', () => {
  const id = Type.Object({ id: Type.String() })
  const stored = event('shop.file.stored.v1', { key: 'id', payload: id })
  expect(format.describe?.(asEvent(stored))).toEqual({
    message: 'shop.file.stored.v1.Stored',
    definition: protoOf(stored),
  })
  const queue = { topic: 'shop.file.store.v1', key: 'id' } as const
  const files = contract('shop.file.v1.FileService', { store: { input: id, output: id, queue } })
  const described = format.describe?.(asCommand(files.store))
  expect(described?.message).toBe('shop.file.v1.StoreRequest')
  expect(described?.definition).toBe(
    'syntax = "proto3";\n\npackage shop.file.v1;\n\nmessage StoreRequest {\n  optional string id = 1;\n}\n',
  )
  const corpus = protoContract(CorpusService).getItem as unknown as CommandContent['operation']
  expect(format.describe?.(asCommand(corpus))).toEqual({ message: 'corpus.v1.GetItemRequest' })
})

it('defines a command by its message alone, with what its lock reserves', async () => {
  const queue = { topic: 'shop.file.store.v1', key: 'id' } as const
  const make = (fields: TProperties, proto?: URL) => {
    const input = Type.Object({ id: Type.String(), ...fields })
    const operations = { store: { input, output: Type.Object({ at: timestamp() }), queue } }
    return contract('shop.file.v1.FileService', operations, proto === undefined ? {} : { proto })
  }
  const files = make({ size: int64() }, await fileOf(protoOf(make({ name: Type.String(), size: int64() }))))
  expect(format.describe?.(asCommand(files.store))).toEqual({
    message: 'shop.file.v1.StoreRequest',
    definition: `syntax = "proto3";

package shop.file.v1;

message StoreRequest {
  reserved 2;
  reserved "name";

  optional string id = 1;
  optional int64 size = 3;
}
`,
  })
})

it('tells of a lock of another contract by operation', async () => {
  const queue = { topic: 'shop.file.store.v1', key: 'id' } as const
  const make = (name: `${string}.v1.FileService`, proto?: URL) => {
    const input = Type.Object({ id: Type.String() })
    return contract(name, { store: { input, output: input, queue } }, proto === undefined ? {} : { proto })
  }
  const files = make('shop.file.v1.FileService', await fileOf(protoOf(make('shop.other.v1.FileService'))))
  expect(() => format.compile(asCommand(files.store))).toThrow(
    'the lock is that of shop.other.v1; bring the name back, or give the contract of the new name a new file',
  )
})
