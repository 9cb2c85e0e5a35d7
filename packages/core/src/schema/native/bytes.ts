import type { TUnsafe } from 'typebox'
import { ContractError, type SetupProblem } from '../../error/setup-error.ts'
import type { JsonSchema } from '../schema.ts'
import { unsafeSchema } from './unsafe-schema.ts'

export interface BytesOptions {
  /** Fewest bytes. @defaultValue 0 */
  readonly minLength?: number
  /** Most bytes. @defaultValue no limit but the transport's own */
  readonly maxLength?: number
  /**
   * What the bytes are: `image/png`. Over HTTP, bytes with a media type that are the whole output, or the only field of the
   * input that is in neither path nor query, are the body itself instead of base64 in JSON.
   */
  readonly mediaType?: string
  /** What a reader finds where the field is absent. */
  readonly default?: Uint8Array
  readonly title?: string
  readonly description?: string
}

/** What a `bytes()` allows. */
export interface BytesRange {
  /** Bytes. */
  readonly minLength: number
  /** Bytes. */
  readonly maxLength: number
  readonly mediaType: string | undefined
}

/**
 * Bytes: a `Uint8Array` in handlers and clients, base64 in JSON, `bytes` in protobuf.
 *
 * @throws ContractError `contract.schema` for a limit that is no count of bytes, or a media type that is none.
 * @see RFC 4648 section 4: the standard alphabet, padded
 */
export function bytes(options: BytesOptions = {}): TUnsafe<Uint8Array> {
  const problems = findProblems(options)
  if (problems.length > 0) throw new ContractError(problems)
  const { minLength, maxLength, mediaType, default: initial, title, description } = options
  return unsafeSchema<Uint8Array>({
    type: 'string',
    format: 'byte',
    contentEncoding: 'base64',
    contentMediaType: mediaType,
    // Of the text, for those who read the schema and know nothing of the keyword below.
    minLength: minLength === undefined ? undefined : base64Length(minLength),
    maxLength: maxLength === undefined ? undefined : base64Length(maxLength),
    [keyword]: { minLength, maxLength },
    default: initial && Buffer.from(initial).toString('base64'),
    title,
    description,
  })
}

/** The limits and media type of a `bytes()`; undefined for every other schema. */
export function bytesRangeOf(schema: JsonSchema): BytesRange | undefined {
  const range = schema[keyword] as Partial<BytesRange> | undefined
  if (range === undefined) return undefined
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = range
  return { minLength, maxLength, mediaType: schema['contentMediaType'] as string | undefined }
}

const keyword = 'x-bytes'

/** @see RFC 9110 section 8.3.1; a parameter would have to be compared by rules of its own */
const mediaTypeForm = /^[\w.!#$&^+-]+\/[\w.!#$&^+-]+$/

function findProblems({ minLength = 0, maxLength, mediaType, default: initial }: BytesOptions): SetupProblem[] {
  const largest = maxLength ?? Number.MAX_SAFE_INTEGER
  const problems: string[] = []
  if (!isCount(minLength)) problems.push(`minLength must be a whole number of bytes from 0, found ${minLength}`)
  if (!isCount(largest) || largest < minLength)
    problems.push(`maxLength must be a whole number of bytes from minLength, found ${maxLength}`)
  if (mediaType !== undefined && !mediaTypeForm.test(mediaType))
    problems.push(`mediaType must be one type without parameters, such as image/png, found "${mediaType}"`)
  if (initial && (initial.length < minLength || initial.length > largest))
    problems.push(`default must have from ${minLength} to ${largest} bytes, found ${initial.length}`)
  return problems.map((message) => ({ code: 'contract.schema', message: `bytes(): ${message}` }))
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function base64Length(byteCount: number): number {
  return Math.ceil(byteCount / 3) * 4
}
