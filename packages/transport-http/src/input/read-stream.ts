import type { HttpOperation, Operation } from '@tenon/core/contract'
import { isFormPart, rawInputOf } from '@tenon/core/contract'
import { invalidArgument } from '@tenon/core/transport'
import { compileChunksReader } from './read-chunks.ts'
import { compileInputReader, emptyInput, type InputSource, type PathValues } from './read-input.ts'
import { compileItemsReader } from './read-items.ts'
import { compilePartsReader } from './read-parts.ts'

/** @throws ServiceError `invalid_argument`, also from a step */
export type ReadStream = (source: InputSource, path: PathValues) => AsyncIterable<unknown>

/**
 * Decides at boot what the body of an input stream is: bytes, a form, or lines of JSON. Fields of path and query come with every
 * item.
 */
export function compileStreamReader(operation: Operation, http: HttpOperation, bodyLimitBytes: number): ReadStream {
  const readBody = bodyReader(operation, http, bodyLimitBytes)
  const readFields = compileInputReader(operation, http, emptyInput)
  return (source, path) => {
    const items = readBody(source)
    const fields = readFields(source, path)
    return Object.keys(fields).length === 0 ? items : withFields(items, fields)
  }
}

type ReadItems = (source: InputSource) => AsyncIterable<unknown>

function bodyReader(operation: Operation, http: HttpOperation, bodyLimitBytes: number): ReadItems {
  const { upload } = http
  const raw = rawInputOf(operation, http)
  if (raw) return compileChunksReader(operation, { ...raw, maxBytes: upload.maxBytes })
  if (isFormPart(operation.inputJsonSchema)) return compilePartsReader(upload)
  return compileItemsReader(bodyLimitBytes)
}

async function* withFields(items: AsyncIterable<unknown>, fields: Record<string, unknown>): AsyncGenerator<unknown> {
  let index = 0
  for await (const item of items) {
    yield isRecord(item) ? merge(item, fields, index) : item
    index += 1
  }
}

function merge(item: Record<string, unknown>, fields: Record<string, unknown>, index: number): unknown {
  for (const [name, value] of Object.entries(fields)) {
    if (Object.hasOwn(item, name) && item[name] !== value) throw differs(`/${index}/${name}`)
  }
  return { ...item, ...fields }
}

function differs(field: string) {
  const message = 'is read from the path or the query and must not have another value in the body'
  return invalidArgument([{ field, message, rule: 'location' }])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
