import { type DescMessage, fromBinary, type Registry, toBinary } from '@bufbuild/protobuf'
import { ServiceError } from '@tenon/core/transport'
import type { MessageCodec } from '../codec/message-codec.ts'
import { compileValues } from './message-value.ts'
import type { Int64Form } from './scalar-schema.ts'

/** What the values of a codec depend on. */
export interface CodecSettings {
  readonly int64: Int64Form
  readonly registry: Registry
}

/** A codec for every proto3 feature: protobuf-es reads and writes the bytes, and its messages become plain values. */
export function compileMessageCodec(message: DescMessage, settings: CodecSettings): MessageCodec {
  const { toValue, fromValue } = compileValues(message, settings)
  return {
    encode: (value) => {
      const bytes = toBinary(message, fromValue(value), { writeUnknownFields: false })
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    },
    decode: (bytes) => {
      try {
        return toValue(fromBinary(message, bytes, { readUnknownFields: false }))
      } catch (cause) {
        throw new ServiceError('invalid_argument', 'the message cannot be decoded', { reason: 'undecodable', cause })
      }
    },
  }
}
