import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import type { MessageCodec } from '../codec/message-codec.ts'

const brand: unique symbol = Symbol.for('tenon.grpc.method') as never

/** What ties an operation to a method of a `.proto` file: the value of `operation.proto`, made by `protoContract()`. */
export interface MethodBinding {
  /** `GetUser` */
  readonly name: string
  /** Full name of the message that it takes: `shop.user.v1.GetUserRequest`. */
  readonly requestName: string
  /** Compiled when first asked for, then the same. */
  readonly codecs: () => { readonly request: MessageCodec; readonly response: MessageCodec }
  /** The full names that the method's file declares, each with the file as its owner. */
  readonly owners: () => ReadonlyMap<string, string>
  /** The method's file and all that it imports, imported ones first. */
  readonly files: () => readonly FileDescriptorProto[]
}

/** A binding that is recognised, also by another installed copy of this package. */
export function methodBinding(binding: MethodBinding): MethodBinding {
  return Object.freeze({ ...binding, [brand]: true })
}

export function isMethodBinding(value: unknown): value is MethodBinding {
  return typeof value === 'object' && value !== null && brand in value
}
