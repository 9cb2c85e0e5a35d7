import type { DescField, DescMessage, ScalarType } from '@bufbuild/protobuf'
import { isWrapperDesc } from '@bufbuild/protobuf/wkt'

/** The one field of a wrapper. */
export interface WrappedField {
  readonly field: DescField
  readonly scalar: ScalarType
}

/** What a wrapper such as google.protobuf.StringValue stands for; undefined for any other message. */
export function wrappedField(message: DescMessage): WrappedField | undefined {
  const [field] = message.fields
  if (!isWrapperDesc(message) || field?.fieldKind !== 'scalar') return undefined
  return { field, scalar: field.scalar }
}
