import { gzipSync } from 'node:zlib'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callRaw, framed, isServed, openSession, type RawRequest } from './raw-call.ts'
import { type MeasuredProcess, startTarget } from './target-process.ts'

let target: MeasuredProcess

beforeAll(async () => {
  target = await startTarget()
}, 30_000)

afterAll(async () => {
  target.child.kill('SIGTERM')
  expect(await target.ended, target.output()).toBe(0)
})

const codes = { ok: 0, unknown: 2, invalidArgument: 3, resourceExhausted: 8, unimplemented: 12, internal: 13 } as const

/** One request: what is in it, and what it is answered. */
interface Attack extends Partial<RawRequest> {
  readonly name: string
  readonly status: number
  readonly message?: string
  /** What the handler saw, for what is served. */
  readonly output?: readonly [textLength: number, numberCount: number, nameCount: number]
}

const weigh = '/test.v1.TargetService/Weigh'
const field = { text: 1, numbers: 2, names: 3, child: 4, labels: 5, tree: 6, any: 7, unknown: 1_000 } as const
const limitBytes = 4_194_304

const message = (write: (writer: BinaryWriter) => unknown) => {
  const writer = new BinaryWriter()
  write(writer)
  return writer.finish()
}
const text = (value: string) => message((writer) => writer.tag(field.text, WireType.LengthDelimited).string(value))
const one = (bytes: Uint8Array, frame: { readonly flag?: number; readonly length?: number } = {}) => ({
  chunks: [framed(bytes, frame)],
})

const unknownFields = message((writer) => {
  writer.tag(field.unknown, WireType.Varint).uint64('18446744073709551615')
  writer.tag(field.unknown, WireType.Bit64).fixed64(1n)
  writer.tag(field.unknown, WireType.Bit32).fixed32(1)
  writer.tag(field.unknown, WireType.LengthDelimited).bytes(Buffer.alloc(100_000))
  writer.tag(field.unknown, WireType.StartGroup)
  writer.tag(1, WireType.Varint).uint32(1)
  writer.tag(field.unknown, WireType.EndGroup)
  writer.tag(field.text, WireType.LengthDelimited).string('seen')
})

const packed = message((writer) => {
  writer.tag(field.numbers, WireType.LengthDelimited).fork()
  for (let index = 0; index < 1_000_000; index += 1) writer.uint32(1)
  writer.join()
})

const unpacked = message((writer) => {
  for (let index = 0; index < 1_000_000; index += 1) writer.tag(field.numbers, WireType.Varint).uint32(1)
})

const emptyNames = message((writer) => {
  for (let index = 0; index < 1_000_000; index += 1) writer.tag(field.names, WireType.LengthDelimited).string('')
})

/** Groups of an unknown field, one in another. */
function groups(depth: number): Uint8Array {
  return message((writer) => {
    for (let index = 0; index < depth; index += 1) writer.tag(field.unknown, WireType.StartGroup)
    for (let index = 0; index < depth; index += 1) writer.tag(field.unknown, WireType.EndGroup)
  })
}

/** Fields each of which holds nothing but the next, written from the inside to the outside. */
function nested(numbers: readonly number[]): Uint8Array {
  const heads: Uint8Array[] = []
  let length = 0
  for (const number of numbers.toReversed()) {
    const inner = length
    const head = message((writer) => writer.tag(number, WireType.LengthDelimited).uint32(inner))
    heads.push(head)
    length += head.length
  }
  return Buffer.concat(heads.toReversed())
}

const trees = (depth: number) => nested([field.tree, ...Array<number>(depth).fill(1)])
/** Lists in lists. @see google/protobuf/struct.proto */
const lists = (depth: number) => nested([field.any, ...Array<number[]>(depth).fill([6, 1]).flat()])

const undecodable = { status: codes.invalidArgument, message: 'the message cannot be decoded' } as const

const attacks: readonly Attack[] = [
  { name: 'an empty message', ...one(Buffer.alloc(0)), status: codes.ok, output: [0, 0, 0] },
  { name: 'unknown fields of every wire type', ...one(unknownFields), status: codes.ok, output: [4, 0, 0] },
  { name: 'a million numbers, packed', ...one(packed), status: codes.ok, output: [0, 1_000_000, 0] },
  { name: 'a million numbers, not packed', ...one(unpacked), status: codes.ok, output: [0, 1_000_000, 0] },
  { name: 'a million empty texts', ...one(emptyNames), status: codes.ok, output: [0, 0, 1_000_000] },
  { name: 'a text that is no UTF-8', ...one(Buffer.from([0x0a, 2, 0xff, 0xc0])), ...undecodable },
  { name: 'half a pair of surrogates', ...one(Buffer.from([0x0a, 3, 0xed, 0xa0, 0x80])), ...undecodable },
  { name: 'a field beyond the message', ...one(Buffer.from([0x0a, 100, 0x61])), ...undecodable },
  { name: 'a length of 4 GiB in a message', ...one(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])), ...undecodable },
  { name: 'a number that never ends', ...one(Buffer.from([0x10, ...Array(11).fill(0xff)])), ...undecodable },
  { name: 'half a tag', ...one(Buffer.from([0x80])), ...undecodable },
  { name: 'field number 0', ...one(Buffer.from([0x02, 1, 0x61])), ...undecodable },
  { name: 'a wire type that is none', ...one(Buffer.from([0x0f, 1])), ...undecodable },
  { name: 'another wire type than the field has', ...one(Buffer.from([0x08, 1])), ...undecodable },
  { name: 'a group that is not closed', ...one(Buffer.from([0xc3, 0x3e])), ...undecodable },
  { name: 'the end of a group that never began', ...one(Buffer.from([0xc4, 0x3e])), ...undecodable },
  { name: 'groups nested 50 deep', ...one(groups(50)), status: codes.ok, output: [0, 0, 0] },
  { name: 'groups nested 101 deep', ...one(groups(101)), ...undecodable },
  { name: 'groups nested a million deep', ...one(groups(1_000_000)), ...undecodable },
  { name: 'messages nested 90 deep', ...one(trees(90)), status: codes.ok, output: [0, 0, 0] },
  { name: 'messages nested 101 deep', ...one(trees(101)), ...undecodable },
  { name: 'messages nested 100,000 deep', ...one(trees(100_000)), ...undecodable },
  { name: 'lists of any JSON nested 101 deep', ...one(lists(101)), ...undecodable },
  { name: 'lists of any JSON nested 100,000 deep', ...one(lists(100_000)), ...undecodable },
  {
    name: 'a message of the largest size',
    ...one(text('a'.repeat(limitBytes - 5))),
    status: 0,
    output: [limitBytes - 5, 0, 0],
  },
  { name: 'a message beyond the limit', ...one(text('a'.repeat(limitBytes))), status: codes.resourceExhausted },
  { name: 'a length of 2^31', ...one(Buffer.alloc(10), { length: 0x8000_0000 }), status: codes.resourceExhausted },
  {
    name: 'a length of all ones, again and again in pieces',
    chunks: Array.from({ length: 20 }, () => framed(Buffer.alloc(3), { length: 0xffff_ffff })),
    status: codes.resourceExhausted,
  },
  { name: 'no message', chunks: [], status: codes.unimplemented },
  {
    name: 'two messages where there is one',
    chunks: [framed(text('a')), framed(text('b'))],
    status: codes.unimplemented,
  },
  { name: 'half a frame', chunks: [framed(text('abc')).subarray(0, -2)], status: codes.internal },
  { name: 'half the head of a frame', chunks: [Buffer.from([0, 0])], status: codes.internal },
  {
    name: 'half a frame behind whole ones',
    path: '/test.v1.TargetService/Gather',
    chunks: [framed(text('a')), framed(text('b')).subarray(0, -1)],
    status: codes.internal,
  },
  { name: 'a flag of compression without an encoding', ...one(text('abc'), { flag: 1 }), status: codes.internal },
  { name: 'a flag that is none', ...one(text('abc'), { flag: 2 }), status: codes.internal },
  {
    name: 'what is said to be gzip and is not',
    ...one(text('abc'), { flag: 1 }),
    headers: { 'grpc-encoding': 'gzip' },
    status: codes.internal,
  },
  {
    name: 'half of a gzip',
    ...one(gzipSync(text('abc')).subarray(0, -9), { flag: 1 }),
    headers: { 'grpc-encoding': 'gzip' },
    status: codes.internal,
  },
  {
    name: 'a gzip of 200 KB that becomes 200 MB',
    ...one(gzipSync(Buffer.alloc(200_000_000)), { flag: 1 }),
    headers: { 'grpc-encoding': 'gzip' },
    status: codes.resourceExhausted,
  },
  {
    name: 'a compression that nobody knows',
    ...one(text('abc'), { flag: 1 }),
    headers: { 'grpc-encoding': 'brotli' },
    status: codes.unimplemented,
  },
  { name: 'a method that is not there', path: '/test.v1.TargetService/Nothing', status: codes.unimplemented },
  { name: 'a method named like a property', path: '/__proto__', status: codes.unimplemented },
  { name: 'a time that is none', headers: { 'grpc-timeout': '1x' }, ...one(text('a')), status: codes.internal },
  { name: 'a time of 597 hours', headers: { 'grpc-timeout': '597H' }, ...one(text('a')), status: codes.ok },
  { name: 'the longest time', headers: { 'grpc-timeout': '99999999H' }, ...one(text('a')), status: codes.ok },
  {
    name: 'metadata that is no base64',
    headers: { 'x-key-bin': '!!!' },
    ...one(text('a')),
    status: codes.ok,
    output: [1, 0, 0],
  },
]

function readWeight(body: Buffer): readonly number[] {
  const reader = new BinaryReader(body)
  const weight = [0, 0, 0]
  while (reader.pos < reader.len) {
    const [number] = reader.tag()
    weight[number - 1] = Number(reader.int64())
  }
  return weight
}

describe('a hostile request gets its reply, and others are served', () => {
  test.each(attacks)('$name: $status', async ({ path = weigh, status, message: expected, output, ...request }) => {
    const reply = await callRaw(openSession(target.port), { path, ...request })
    expect(reply).toMatchObject({ httpStatus: 200, grpcStatus: status })
    if (expected !== undefined) expect(reply.message).toBe(expected)
    if (output) expect(readWeight(reply.body)).toEqual(output)
    expect(reply.message).not.toMatch(/node_modules|\.ts:|at \w+ \(|Error:/)
    expect(await isServed(target.port)).toBe(true)
  })
})
