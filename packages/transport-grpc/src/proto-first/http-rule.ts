import type { DescMethod } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** One way in which a method is reached over HTTP, as its annotation has it. */
export interface HttpRule {
  /** `GET`, or whatever a custom pattern says. */
  readonly verb: string
  readonly path: string
  /** A field of the request, `*` for all that the path does not name, or empty for none. */
  readonly body: string
  /** A field of the response, or empty for the whole. */
  readonly responseBody: string
}

/**
 * The rules of a method's `google.api.http`, the first one being its main one; none where it has no annotation.
 *
 * Read from the option's bytes, which descriptors keep whether or not the code of the annotation was generated too.
 *
 * @throws Error for bytes that are no such rule.
 * @see google/api/http.proto, HttpRule
 */
export function readHttpRules({ proto }: DescMethod): readonly HttpRule[] {
  const parts = (proto.options?.$unknown ?? []).filter(({ no }) => no === annotation)
  // An option that comes in parts is merged, which on the wire is one after the other.
  const bytes = Buffer.concat(parts.map(({ data }) => new BinaryReader(data).bytes()))
  if (parts.length === 0) return []
  const { main, additional } = readRule(bytes)
  return [main, ...additional]
}

/** The number of google.api.http among the options of a method. @see google/api/annotations.proto */
const annotation = 72_295_728

const verbs: Readonly<Record<number, string>> = { 2: 'GET', 3: 'PUT', 4: 'POST', 5: 'DELETE', 6: 'PATCH' }
const field = { body: 7, custom: 8, additionalBindings: 11, responseBody: 12 } as const

function readRule(bytes: Uint8Array): { readonly main: HttpRule; readonly additional: readonly HttpRule[] } {
  const main = { verb: '', path: '', body: '', responseBody: '' }
  const additional: HttpRule[] = []
  for (const [number, value] of readFields(bytes)) {
    const verb = verbs[number]
    if (verb !== undefined) Object.assign(main, { verb, path: textOf(value) })
    else if (number === field.custom) Object.assign(main, readCustom(value))
    else if (number === field.body) main.body = textOf(value)
    else if (number === field.responseBody) main.responseBody = textOf(value)
    else if (number === field.additionalBindings) additional.push(readRule(value).main)
  }
  return { main, additional }
}

/** `kind = 1`, `path = 2` */
function readCustom(bytes: Uint8Array): Pick<HttpRule, 'verb' | 'path'> {
  const fields = new Map(readFields(bytes))
  return { verb: textOf(fields.get(1)), path: textOf(fields.get(2)) }
}

function readFields(bytes: Uint8Array): readonly (readonly [number: number, value: Uint8Array])[] {
  const reader = new BinaryReader(bytes)
  const fields: (readonly [number, Uint8Array])[] = []
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    if (wireType === WireType.LengthDelimited) fields.push([number, reader.bytes()])
    else reader.skip(wireType, number)
  }
  return fields
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString()
}
