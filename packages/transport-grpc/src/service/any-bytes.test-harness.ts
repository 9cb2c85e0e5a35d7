import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { type Arbitrary, array, constantFrom, integer, nat, oneof, record, tuple, uint8Array } from 'fast-check'

/** Bytes that are anything, that have tags before them, or that were a message until a few of them were changed. */
export function anyBytes(valid: Arbitrary<Uint8Array>, largestNumber = 20): Arbitrary<Uint8Array> {
  return oneof(uint8Array({ maxLength: 200 }), taggedBytes(largestNumber), mutatedOf(valid))
}

/** Any bytes behind tags that may be meant. */
const field = (largestNumber: number) =>
  record({
    number: integer({ min: 0, max: largestNumber }),
    wireType: integer({ min: 0, max: 7 }),
    body: uint8Array({ maxLength: 20 }),
    length: nat(25),
  })
const taggedBytes = (largestNumber: number) =>
  array(field(largestNumber), { maxLength: 20 }).map((fields) => {
    const writer = new BinaryWriter()
    for (const { number, wireType, body, length } of fields) {
      writer.uint32(((number << 3) | wireType) >>> 0)
      if (wireType === 2) writer.uint32(length)
      writer.raw(body)
    }
    return writer.finish()
  })

/** One byte changed, put in or taken out, or all cut off there. */
const mutation = record({
  how: constantFrom('change', 'insert', 'remove', 'cut', 'repeat'),
  at: nat(),
  byte: integer({ min: 0, max: 255 }),
})
interface Mutation {
  readonly how: string
  readonly at: number
  readonly byte: number
}

function mutatedOf(valid: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  return tuple(valid, array(mutation, { minLength: 1, maxLength: 8 })).map(mutateAll)
}

function mutateAll([message, mutations]: readonly [Uint8Array, readonly Mutation[]]): Uint8Array {
  let result = message
  for (const { how, at, byte } of mutations) result = mutate(result, { how, at: at % (result.length + 1), byte })
  return result
}

function mutate(message: Uint8Array, { how, at, byte }: Mutation): Uint8Array {
  const [before, after] = [message.subarray(0, at), message.subarray(at)]
  if (how === 'cut') return before
  if (how === 'repeat') return Buffer.concat([message, before])
  if (how === 'insert') return Buffer.concat([before, Buffer.from([byte]), after])
  if (how === 'remove') return Buffer.concat([before, after.subarray(1)])
  return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)])
}
