import { type Operation, rawOutputStreamOf } from '@tenon/core/contract'
import type { Admission, SchemaBook } from '@tenon/core/transport'
import { type DescribedAccess, describeAccess } from './describe-access.ts'
import { describeBody, describeParameters, type InputPlace } from './describe-input.ts'
import { describeSuccess } from './describe-reply.ts'
import type { OperationObject, SecurityScheme } from './document.ts'
import type { ProblemReplies } from './problem-reply.ts'
import { replyTypes } from '../reply/reply-type.ts'

/** One route of an operation. */
export interface DescribedPlace extends InputPlace {
  /** From 0; the first route has the operation's name alone. */
  readonly index: number
  readonly admission: Admission
}

/** What all operations of a document share. */
export interface OperationBooks {
  readonly book: SchemaBook
  readonly problems: ProblemReplies
  readonly securitySchemes: Readonly<Record<string, SecurityScheme>>
  /** Whether some operation asks who calls, so that a credential that is not valid is refused everywhere. */
  readonly hasCallers: boolean
  /** Whether the server bans callers that go on after they were refused. */
  readonly hasBans: boolean
}

/** Describes one route of an operation. */
export function describeOperation(place: DescribedPlace, books: OperationBooks): OperationObject {
  const { operation, index, admission } = place
  const { book, securitySchemes } = books
  const access = describeAccess(admission, securitySchemes)
  const parameters = describeParameters(place, book)
  const requestBody = describeBody(place, book)
  const summary = operation.summary ?? inWords(operation.name)
  return {
    operationId: `${operation.contract}_${operation.name}${index === 0 ? '' : `_${index + 1}`}`,
    tags: operation.tags,
    summary,
    description: descriptionOf(operation, { summary, access }),
    ...(operation.deprecated && { deprecated: true }),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: describeReplies(place, access, books),
    security: access.security,
    ...access.extensions,
  }
}

function describeReplies(
  place: DescribedPlace,
  access: DescribedAccess,
  { book, problems, hasCallers, hasBans }: OperationBooks,
): OperationObject['responses'] {
  const { operation, http, route } = place
  const replies = [
    ...describeSuccess(place, book),
    ...problems.describe({
      declared: operation.errors,
      needsCredential: hasCallers,
      mayForbid: access.mayForbid || hasBans,
      hasVersion: http.headers.some(({ name }) => name === 'if-match'),
      isNegotiated: !replyTypes(operation, http).includes('*/*'),
      hasRanges: route.method === 'GET' && rawOutputStreamOf(operation) !== undefined,
      takesBody: route.method !== 'GET',
    }),
  ]
  // Where a redirect leads is what most callers see of it.
  const beyond = http.status >= 300 ? { '2XX': { description: 'What the other address answers.' } } : {}
  return { ...Object.fromEntries(replies.map(([status, reply]) => [String(status), reply])), ...beyond }
}

interface Told {
  readonly summary: string
  readonly access: DescribedAccess
}

/** The contract's own words, then what its settings mean for a caller. */
function descriptionOf({ description, deprecation, timeoutMs }: Operation, { summary, access }: Told): string {
  const sunset =
    deprecation?.sunsetAt === undefined ? [] : [`Answers until ${new Date(deprecation.sunsetAt).toISOString()}.`]
  const link = deprecation?.link === undefined ? [] : [`What to use instead: <${deprecation.link}>.`]
  const limit = timeoutMs === undefined ? [] : [`Takes at most ${timeoutMs} ms.`]
  const facts = [...sunset, ...link, ...(access.note === undefined ? [] : [access.note]), ...limit].join(' ')
  return [description ?? summary, ...(facts === '' ? [] : [facts])].join('\n\n')
}

/** `getUser` becomes `Get user`. */
function inWords(name: string): string {
  const words = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
