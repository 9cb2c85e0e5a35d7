import { STATUS_CODES } from 'node:http'
import type { JsonSchema } from '@tenon/core/contract'
import { type ErrorCode, errorCodes, type SchemaBook } from '@tenon/core/transport'
import { httpStatus } from '../http-status.ts'
import type { Header, Reference, Reply } from './document.ts'

/** What decides which problems an operation can be answered with. */
export interface ProblemSources {
  /** The codes its contract declares. */
  readonly declared: readonly ErrorCode[]
  /** Whether a caller without a valid credential is refused. */
  readonly needsCredential: boolean
  readonly mayForbid: boolean
  /** Whether the caller may name the version it expects, which may be another by now. */
  readonly hasVersion: boolean
  /** Whether a caller may ask for a type that the reply has not. */
  readonly isNegotiated: boolean
  /** Whether a caller may ask for a part of the reply that it has not. */
  readonly hasRanges: boolean
  /** Whether a request may have a body, which may be too large or of another type. */
  readonly takesBody: boolean
}

/** Writes problem replies; those that are the same for all operations stand under `components/responses`. */
export class ProblemReplies {
  readonly #book: SchemaBook
  readonly #shared = new Map<string, Reply>()

  constructor(book: SchemaBook) {
    this.#book = book
  }

  /** The shared replies so far, by name in alphabetical order. */
  get components(): Readonly<Record<string, Reply>> {
    return Object.fromEntries([...this.#shared].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  }

  /** Every problem an operation can be answered with, by status. */
  describe(sources: ProblemSources): readonly (readonly [status: number, reply: Reply | Reference])[] {
    const own = ownCodes(sources)
    const declared = declaredCodes(sources)
    const statuses = [...new Set([...own.keys(), ...declared.map(([status]) => status)])]
    return statuses.map((status) => {
      const frameworks = own.get(status) ?? []
      const added = declared.flatMap(([of, code]) => (of === status && !frameworks.includes(code) ? [code] : []))
      const isShared = added.length === 0
      return [status, isShared ? this.#share(status, frameworks) : this.#reply(status, [...frameworks, ...added])]
    })
  }

  #share(status: number, codes: readonly ErrorCode[]): Reference {
    const name = (STATUS_CODES[status] ?? String(status)).replaceAll(/[^A-Za-z]/g, '')
    if (!this.#shared.has(name)) this.#shared.set(name, this.#reply(status, codes))
    return { $ref: `#/components/responses/${name}` }
  }

  #reply(status: number, codes: readonly ErrorCode[]): Reply {
    const narrowed = { properties: { status: { const: status }, code: { enum: [...new Set(codes)].toSorted() } } }
    const schema: JsonSchema = { allOf: [this.#problem(), narrowed] }
    const headers = headersOf(status)
    return {
      description: [...new Set(codes)].map((code) => meanings[status]?.[code] ?? wordsOf[code]).join(' '),
      ...(headers && { headers }),
      // The second for callers that take JSON and not the first.
      content: { 'application/problem+json': { schema }, 'application/json': { schema } },
    }
  }

  #problem(): JsonSchema {
    return this.#book.put('Problem', problemSchema)
  }
}

/** A version that is missed has a status of its own. @see RFC 6585 section 3 */
function declaredCodes({ declared, hasVersion }: ProblemSources): readonly (readonly [number, ErrorCode])[] {
  const missed: readonly (readonly [number, ErrorCode])[] =
    hasVersion && declared.includes('failed_precondition') ? [[428, 'failed_precondition']] : []
  return [...declared.map((code) => [httpStatus[code], code] as const), ...missed]
}

/** The framework's own problems by status, as far as they can come from this operation. */
function ownCodes(sources: ProblemSources): ReadonlyMap<number, readonly ErrorCode[]> {
  const rows: readonly (readonly [status: number, code: ErrorCode, isPossible: boolean])[] = [
    [400, 'invalid_argument', true],
    [401, 'unauthenticated', sources.needsCredential],
    [403, 'permission_denied', sources.mayForbid],
    [406, 'invalid_argument', sources.isNegotiated],
    [408, 'deadline_exceeded', true],
    [412, 'failed_precondition', sources.hasVersion],
    [413, 'resource_exhausted', sources.takesBody],
    [414, 'invalid_argument', true],
    [415, 'invalid_argument', sources.takesBody],
    [416, 'out_of_range', sources.hasRanges],
    [429, 'resource_exhausted', true],
    [431, 'invalid_argument', true],
    [500, 'internal', true],
    [503, 'unavailable', true],
    [504, 'deadline_exceeded', true],
  ]
  return new Map(rows.flatMap(([status, code, isPossible]) => (isPossible ? [[status, [code]] as const] : [])))
}

/** What a code says where nothing more is known. */
const wordsOf: Readonly<Record<ErrorCode, string>> = {
  cancelled: 'The call was cancelled.',
  unknown: 'Something failed that nobody knows more of.',
  invalid_argument: 'The input is not valid; `errors` names the fields.',
  deadline_exceeded: 'The deadline passed before the call ended.',
  not_found: 'What the input names does not exist.',
  already_exists: 'What the input would create exists already.',
  permission_denied: 'The caller may not do this.',
  resource_exhausted: 'Too much is asked for at once; try again later.',
  failed_precondition: 'The state of things does not allow this now.',
  aborted: 'Another call was in the way; try again from the beginning.',
  out_of_range: 'The input reaches beyond what there is.',
  unimplemented: 'This is not offered.',
  internal: 'The service failed.',
  unavailable: 'The service cannot take the call now; try again.',
  data_loss: 'Data is lost or damaged.',
  unauthenticated: 'There is no valid credential.',
}

/** What a code says with a status that is not its own. */
const meanings: Readonly<Record<number, Partial<Readonly<Record<ErrorCode, string>>>>> = {
  406: { invalid_argument: 'The reply is in no form that `Accept` names.' },
  408: { deadline_exceeded: 'The request did not arrive in time.' },
  412: { failed_precondition: 'The version is another than the caller expects.' },
  413: { resource_exhausted: 'The body is too large.' },
  414: { invalid_argument: 'Path and query are too long.' },
  415: { invalid_argument: 'The body is of another media type, or encoded.' },
  416: { out_of_range: 'There is nothing in the range that is asked for.' },
  428: { failed_precondition: 'The caller must say which version it expects.' },
  431: { invalid_argument: 'The header section is too large.' },
}

function headersOf(status: number): Readonly<Record<string, Header>> | undefined {
  if (status === 401) return { 'WWW-Authenticate': challenge }
  return status === 429 || status === 503 ? { 'Retry-After': retryAfter } : undefined
}

const challenge: Header = { description: 'The scheme a credential is expected in.', schema: { type: 'string' } }
const retryAfter: Header = {
  description: 'Seconds after which to try again.',
  schema: { type: 'integer', minimum: 1 },
}

/** @see Problem */
const problemSchema: JsonSchema = {
  type: 'object',
  title: 'Problem',
  description: 'An error, as RFC 9457 has it.',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { const: 'about:blank', description: 'Says nothing; `code` and `reason` do.' },
    title: { type: 'string', description: 'The words for the status.' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What happened, for people.' },
    instance: { type: 'string', description: 'Path of the request.' },
    code: { description: 'What happened, for programs.', enum: Object.keys(errorCodes).toSorted() },
    reason: { type: 'string', description: "The service's own word for what happened." },
    errors: {
      type: 'array',
      description: 'What is wrong with the input.',
      items: {
        type: 'object',
        required: ['field', 'message', 'rule'],
        properties: {
          field: { type: 'string', description: 'JSON Pointer to the field; empty for the whole input.' },
          message: { type: 'string' },
          rule: { type: 'string', description: 'The rule that is broken, such as `required` or `maxLength`.' },
        },
      },
    },
    callId: { type: 'string', description: 'Under which the service has logged the call.' },
    details: { type: 'object', description: 'Facts about the error, by name.' },
  },
}
