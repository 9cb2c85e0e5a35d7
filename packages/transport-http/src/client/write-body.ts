import { type HttpOperation, isFormPart, type Operation, rawInputOf } from '@tenon/core/contract'
import { compileJsonWriter } from '@tenon/core/transport'
import { fieldSchema } from '../field-schema.ts'
import type { ItemsWriter } from './sent-items.ts'
import type { InputFields } from './write-fields.ts'
import { FormWriter } from './write-form.ts'

/** A body with its media type; nothing where nothing is to be said. */
export interface WrittenBody {
  readonly contentType?: string
  readonly body?: Buffer
}

/** Decides once how the body of one input is written: JSON, one field of it, or the bytes themselves. */
export function compileBodyWriter(operation: Operation, http: HttpOperation): (rest: InputFields) => WrittenBody {
  const raw = rawInputOf(operation)
  if (raw) {
    return ({ [raw.name]: bytes }) =>
      bytes instanceof Uint8Array ? { contentType: raw.mediaType, body: toBuffer(bytes) } : {}
  }
  const { body: name } = http
  const writeJson = compileJsonWriter(
    name === undefined ? operation.inputJsonSchema : fieldSchema(operation.inputJsonSchema, name),
  )
  return (rest) => {
    const value = name === undefined ? rest : rest[name]
    const isAbsent = value === undefined || (name === undefined && Object.keys(rest).length === 0)
    return isAbsent ? {} : { contentType: 'application/json', body: Buffer.from(writeJson(value)) }
  }
}

/** Decides once how the items of an input stream are written: lines of JSON, pieces of bytes, or the parts of a form. */
export function compileItemsWriter(operation: Operation): () => ItemsWriter {
  if (isFormPart(operation.inputJsonSchema)) return () => new FormWriter()
  const raw = rawInputOf(operation)
  if (raw) {
    const write = ({ [raw.name]: bytes }: InputFields) => (bytes instanceof Uint8Array ? bytes : new Uint8Array())
    return () => ({ contentType: raw.mediaType, begin: undefined, write, end: () => undefined })
  }
  const writeJson = compileJsonWriter(operation.inputJsonSchema)
  const write = (rest: InputFields) => Buffer.from(`${writeJson(rest)}\n`)
  return () => ({ contentType: 'application/x-ndjson', begin: emptyLine, write, end: () => undefined })
}

/** Passed over by every reader of NDJSON that lets a caller show that it lives. */
const emptyLine = Buffer.from('\n')

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
