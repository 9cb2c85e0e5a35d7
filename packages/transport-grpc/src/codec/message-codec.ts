import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { ServiceError } from '@tenon/core/transport'
import type { MessageShape } from '../proto/message-shape.ts'
import { compileMessageReader } from './message-reader.ts'
import { compileMessageWriter } from './message-writer.ts'
import { beginReading } from './nesting.ts'

/** Turns plain values into protobuf bytes and back, without message objects in between. */
export interface MessageCodec {
  /** @throws TypeError for a value that does not have the message's types, RangeError for one that is too deep. */
  encode(value: unknown): Buffer
  /** @throws ServiceError `invalid_argument` with the reason `undecodable` for bytes that are no such message. */
  decode(bytes: Uint8Array): unknown
}

/** Compiles both directions for a message, once. @see Protocol Buffers, encoding */
export function compileCodec(shape: MessageShape): MessageCodec {
  const write = compileMessageWriter(shape)
  const read = compileMessageReader(shape)
  // One writer for all messages keeps its buffer; a large one, or one that holds half a message, is not kept.
  let writer = new BinaryWriter()
  return {
    encode: (value) => {
      try {
        write(writer, value, 0)
        const bytes = writer.finish()
        if (bytes.length > largestKeptBytes) writer = new BinaryWriter()
        return toBuffer(bytes)
      } catch (error) {
        writer = new BinaryWriter()
        throw error
      }
    },
    decode: (bytes) => {
      try {
        beginReading()
        return read(new BinaryReader(bytes), bytes.length, undefined)
      } catch (cause) {
        if (ServiceError.is(cause)) throw cause
        throw undecodable(cause)
      }
    },
  }
}

/** A guess: most messages are smaller, and a buffer of this size is no burden. */
const largestKeptBytes = 65_536

/** V8 keeps the bytes of smaller arrays on its heap, until somebody asks for their buffer: a copy is cheaper. @see V8, typed_array_max_size_in_heap */
const largestOnHeapBytes = 64

function toBuffer(bytes: Uint8Array): Buffer {
  if (bytes.length <= largestOnHeapBytes) return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function undecodable(cause: unknown): ServiceError {
  return new ServiceError('invalid_argument', 'the message cannot be decoded', { reason: 'undecodable', cause })
}
