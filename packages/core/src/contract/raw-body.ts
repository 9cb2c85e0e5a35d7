import { bytesRangeOf } from './bytes.ts'
import type { Operation } from './operation.ts'
import type { JsonSchema } from './schema.ts'

/** An input field that is the whole body of an HTTP request, as bytes. */
export interface RawInput {
  readonly name: string
  readonly mediaType: string
}

/** The field that is the whole body: bytes with a media type, beside nothing but fields of path and query. */
export function rawInputOf({ kind, http, inputJsonSchema }: Operation): RawInput | undefined {
  if (!http?.hasBody || kind === 'client_stream' || kind === 'bidi_stream') return undefined
  const elsewhere = new Set([...http.parameters, ...http.query])
  const properties = Object.entries((inputJsonSchema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>)
  const [only, ...others] = properties.filter(([name]) => !elsewhere.has(name))
  if (only === undefined || others.length > 0) return undefined
  const [name, schema] = only
  const mediaType = bytesRangeOf(schema)?.mediaType
  return mediaType === undefined ? undefined : { name, mediaType }
}

/** The media type of an output that is the whole body of an HTTP reply, as bytes. */
export function rawOutputOf({ kind, outputJsonSchema }: Operation): string | undefined {
  return kind === 'unary' || kind === 'client_stream' ? bytesRangeOf(outputJsonSchema)?.mediaType : undefined
}
