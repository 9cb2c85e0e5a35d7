import { bytesRangeOf } from '../schema/native/bytes.ts'
import type { HttpBoundRoute } from './http-binding.ts'
import type { Operation } from './operation.ts'
import type { JsonSchema } from '../schema/schema.ts'

/** An input field that is the whole body of an HTTP request, as bytes. */
export interface RawInput {
  readonly name: string
  readonly mediaType: string
}

/** The bytes of an output stream that are the whole body of an HTTP reply. */
export interface RawOutputStream {
  /** The field of an item that holds them; undefined where the item is the bytes. */
  readonly name: string | undefined
  readonly mediaType: string
}

/**
 * The field that is the whole body: bytes with a media type, beside nothing but fields that have another place. In the items of
 * an input stream it is the body piece by piece.
 *
 * @param route The route of a request. @defaultValue the first of the operation
 */
export function rawInputOf(
  { http, inputJsonSchema }: Operation,
  route: HttpBoundRoute | undefined = http,
): RawInput | undefined {
  if (!http || !route?.hasBody) return undefined
  const named = [...http.headers, ...http.cookies].map(({ field }) => field)
  return rawFieldOf(inputJsonSchema, new Set([...route.parameters, ...route.query, ...named]))
}

/** The media type of an output that is the whole body of an HTTP reply, as bytes. */
export function rawOutputOf({ kind, outputJsonSchema }: Operation): string | undefined {
  return kind === 'unary' || kind === 'client_stream' ? bytesRangeOf(outputJsonSchema)?.mediaType : undefined
}

/**
 * The bytes that are a reply piece by piece: the items of an output stream are `bytes()` with a media type, or have one such
 * field and no other, which is the form that gRPC has a message for.
 */
export function rawOutputStreamOf({ kind, outputJsonSchema }: Operation): RawOutputStream | undefined {
  if (kind !== 'server_stream' && kind !== 'bidi_stream') return undefined
  const mediaType = bytesRangeOf(outputJsonSchema)?.mediaType
  return mediaType === undefined ? rawFieldOf(outputJsonSchema) : { name: undefined, mediaType }
}

/** The only field of an object that is not read from elsewhere, where it is bytes with a media type. */
export function rawFieldOf(object: JsonSchema, elsewhere: ReadonlySet<string> = new Set()): RawInput | undefined {
  const properties = Object.entries((object['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>)
  const [only, ...others] = properties.filter(([name]) => !elsewhere.has(name))
  if (only === undefined || others.length > 0) return undefined
  const [name, schema] = only
  const mediaType = bytesRangeOf(schema)?.mediaType
  return mediaType === undefined ? undefined : { name, mediaType }
}
