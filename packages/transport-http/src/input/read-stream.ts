import { Readable } from 'node:stream'
import type { HttpOperation, Operation } from '@tenon/core/contract'
import { isFormPart, rawInputOf } from '@tenon/core/contract'
import { invalidArgument } from '@tenon/core/transport'
import { askingFor, pumpOf } from './body-pump.ts'
import type { OpenForm } from './form-parser.ts'
import { isSame } from './placed-field.ts'
import { compileChunksReader } from './read-chunks.ts'
import { compileInputReader, emptyInput, type InputSource, type PathValues } from './read-input.ts'
import { compileItemsReader } from './read-items.ts'
import { compilePartsReader } from './read-parts.ts'

/** @throws ServiceError `invalid_argument`, also from a step */
export type ReadStream = (source: InputSource, path: PathValues) => AsyncIterable<unknown>

export interface StreamReading {
  /** Longest line of JSON. */
  readonly bodyLimitBytes: number
  /** How long a body may bring nothing while it is waited for. */
  readonly inputIdleTimeoutMs: number
  /** Needed where the operation takes a form. */
  readonly openForm?: OpenForm | undefined
}

/**
 * Decides at boot what the body of an input stream is: bytes, a form, or lines of JSON. Fields with a place of their own come
 * with every item.
 */
export function compileStreamReader(operation: Operation, http: HttpOperation, reading: StreamReading): ReadStream {
  const readBody = bodyReader(operation, http, reading)
  const readFields = compileInputReader(operation, http, emptyInput)
  const named = [...http.headers, ...http.cookies].map(({ field }) => field)
  const names = [...http.parameters, ...http.query, ...named]
  return (source, path) => {
    if (source.body instanceof Readable) pumpOf(source.body).limitIdle(reading.inputIdleTimeoutMs)
    const read = readBody(source)
    const items = source.body instanceof Readable ? askingFor(read, source.body) : read
    const fields = readFields(source, path)
    return names.length === 0 ? items : withFields(items, { names, fields })
  }
}

type ReadItems = (source: InputSource) => AsyncIterable<unknown>

function bodyReader(operation: Operation, http: HttpOperation, { bodyLimitBytes, openForm }: StreamReading): ReadItems {
  const { upload } = http
  const raw = rawInputOf(operation, http)
  if (raw) return compileChunksReader(operation, { ...raw, maxBytes: upload.maxBytes })
  if (isFormPart(operation.inputJsonSchema)) return compilePartsReader(upload, openForm)
  return compileItemsReader(bodyLimitBytes)
}

interface PlacedFields {
  readonly names: readonly string[]
  /** Those that a value was found for. */
  readonly fields: Record<string, unknown>
}

async function* withFields(items: AsyncIterable<unknown>, placed: PlacedFields): AsyncGenerator<unknown> {
  let index = 0
  for await (const item of items) {
    yield isRecord(item) ? merge(item, placed, index) : item
    index += 1
  }
}

function merge(item: Record<string, unknown>, { names, fields }: PlacedFields, index: number): unknown {
  for (const name of names) {
    if (Object.hasOwn(item, name) && !isSame(item[name], fields[name])) throw differs(`/${index}/${name}`)
  }
  return { ...item, ...fields }
}

function differs(field: string) {
  const message = 'is read from another part of the request and must not have another value in the body'
  return invalidArgument([{ field, message, rule: 'location' }])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
