import { describeType, fieldOf } from './check-spec.ts'
import { type HttpBinding, type HttpBoundRoute, type NamedField, redirectStatuses } from './http-binding.ts'
import type { OperationSpec } from './operation.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { isStream } from './stream.ts'
import { isTextual, isVersion } from './textual.ts'

/** An HTTP binding with its routes. */
export interface BoundFields {
  readonly binding: HttpBinding
  readonly spec: OperationSpec
  readonly input: JsonSchema
  readonly output: JsonSchema
  readonly headers: readonly NamedField[]
  readonly cookies: readonly NamedField[]
  readonly routes: readonly HttpBoundRoute[]
}

/** What is wrong with headers, cookies, body, status, location and etag of a binding. */
export function checkHttpFields(bound: BoundFields): readonly string[] {
  return [
    ...checkPlaces(bound),
    ...bound.headers.flatMap((named) => checkHeader(named, bound)),
    ...bound.cookies.flatMap((named) => checkCookie(named, bound)),
    ...checkBody(bound),
    ...checkStatus(bound),
    ...checkLocation(bound),
    ...checkEtag(bound),
  ]
}

/** A field is read from one place, and a header or a cookie is one field. */
function checkPlaces({ binding, headers, cookies }: BoundFields): readonly string[] {
  const places = [
    ...headers.map(({ field }) => [field, 'headers'] as const),
    ...cookies.map(({ field }) => [field, 'cookies'] as const),
    ...(binding.query ?? []).map((field) => [field, 'query'] as const),
    ...(binding.body === undefined ? [] : [[binding.body, 'body'] as const]),
  ]
  const twice = [...Map.groupBy(places, ([field]) => field)].flatMap(([field, found]) => {
    const names = [...new Set(found.map(([, place]) => place))]
    return names.length > 1 ? [`field "${field}" is in ${names.join(' and in ')}`] : []
  })
  return [...twice, ...shared('header', headers), ...shared('cookie', cookies)]
}

function shared(place: string, fields: readonly NamedField[]): readonly string[] {
  return [...Map.groupBy(fields, ({ name }) => name)].flatMap(([name, found]) =>
    found.length > 1 ? [`${place} "${name}" is given to ${found.map(({ field }) => `"${field}"`).join(' and ')}`] : [],
  )
}

/** @see RFC 9110 section 5.6.2, in lower case */
const headerForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** Headers that say how a message is framed or read, or that the framework reads itself. @see RFC 9110 section 7.6.1 */
const reservedHeaders: ReadonlySet<string> = new Set(
  [
    'connection keep-alive proxy-connection te trailer transfer-encoding upgrade http2-settings',
    'content-length content-type content-encoding expect host range if-range',
    'accept accept-encoding authorization proxy-authorization cookie set-cookie',
    'x-request-timeout-ms x-request-id traceparent tracestate baggage',
  ].flatMap((names) => names.split(' ')),
)

const versionHeaders: ReadonlySet<string> = new Set(['if-match', 'if-none-match'])

function checkHeader({ field, name }: NamedField, { input, routes }: BoundFields): readonly string[] {
  if (typeof name !== 'string' || !headerForm.test(name))
    return [`headers.${field} must be the lower-case name of a header, found ${JSON.stringify(name)}`]
  if (reservedHeaders.has(name))
    return [`headers.${field} must not be "${name}", which is the transport's own; take a header of your own`]
  if (name === 'if-none-match' && routes.some(({ method }) => method === 'GET'))
    return [
      `headers.${field} must not be "if-none-match" on a GET, where the transport answers it; name the version in etag`,
    ]
  return [
    ...checkText(field, { place: `headers.${field}`, input, form: 'list', isVersion: versionHeaders.has(name) }),
    ...(name === 'if-match' && isRequired(input, field)
      ? [`field "${field}" must be optional, because "*" and no header are no version`]
      : []),
  ]
}

/** @see RFC 6265 section 4.1.1: a cookie's name is a token */
const cookieForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function checkCookie({ field, name }: NamedField, { input }: BoundFields): readonly string[] {
  if (typeof name !== 'string' || !cookieForm.test(name))
    return [`cookies.${field} must be the name of a cookie, found ${JSON.stringify(name)}`]
  return checkText(field, { place: `cookies.${field}`, input, form: 'single', isVersion: false })
}

interface TextPlace {
  readonly place: string
  readonly input: JsonSchema
  readonly form: 'single' | 'list'
  /** Whether it carries a version. */
  readonly isVersion: boolean
}

function checkText(name: string, { place, input, form, isVersion: carriesVersion }: TextPlace): readonly string[] {
  const field = fieldOf(input, name)
  if (field === undefined) return [`"${name}" in ${place} is no field of the input`]
  if (!isTextual(field, form)) return [`field "${name}" cannot be read from text: ${describeType(field)}`]
  if (!carriesVersion) return []
  const item = (field['type'] === 'array' ? (field['items'] ?? {}) : field) as JsonSchema
  return isVersion(item) ? [] : [`${place} must be text or a whole number, found ${describeType(item)}`]
}

function checkBody({ binding: { body }, spec, input }: BoundFields): readonly string[] {
  if (body !== undefined && isStream(spec.input))
    return ['an input stream is the body of the request, and has no field for it']
  if (body === undefined || fieldOf(input, body) !== undefined) return []
  return [`"${body}" in body is no field of the input`]
}

function checkStatus({ binding: { status, location }, spec, output }: BoundFields): readonly string[] {
  if (status === undefined) return []
  if (emptyStatuses.has(status)) return checkNoContent(status, { spec, output })
  const isSuccess = Number.isInteger(status) && status >= 200 && status <= 299
  const isRedirect = redirectStatuses.includes(status)
  if (!isSuccess && !isRedirect) {
    const [last, ...others] = [...redirectStatuses].toReversed()
    return [`status must be from 200 to 299, or ${others.toReversed().join(', ')} or ${last}, found ${status}`]
  }
  return isRedirect && location === undefined
    ? [`status ${status} needs location, the output field with the address`]
    : []
}

/** @see RFC 9110 section 15.3.5 and 15.3.6 */
const emptyStatuses: ReadonlySet<number> = new Set([204, 205])

/** What is not sent cannot be read by a caller. */
function checkNoContent(status: number, { spec, output }: Pick<BoundFields, 'spec' | 'output'>): readonly string[] {
  if (isStream(spec.output))
    return [`status ${status} has no body, and an output stream is one: expected another status`]
  const required = requiredNames(output)
  if (required.length > 0) {
    const names = required.map((name) => `"${name}"`).join(' and ')
    return [`status ${status} has no body: expected an output without required fields, found ${names}`]
  }
  return mayBeEmpty(output)
    ? []
    : [`status ${status} has no body: expected no output, or an object, found ${describeType(output)}`]
}

/** An object, nothing, or what may be anything. */
function mayBeEmpty(output: JsonSchema): boolean {
  if (['object', 'undefined', 'void'].includes(String(output['type']))) return true
  return ['type', 'anyOf', 'oneOf', 'allOf', 'enum', 'const', '$ref'].every((keyword) => !(keyword in output))
}

function checkLocation({ binding, spec, output }: BoundFields): readonly string[] {
  const { location, status = 200 } = binding
  if (location === undefined) return []
  const isRedirect = redirectStatuses.includes(status)
  if (isStream(spec.output))
    return ['location cannot be a field of an output stream, whose head is sent before its items']
  const field = fieldOf(output, location)
  if (field?.['type'] !== 'string' || !isVersion(field))
    return [`location must name a text field of the output, found ${describeField(field, location)}`]
  if (isRedirect && !isRequired(output, location))
    return [`location "${location}" must be a required field, because a redirect has nothing else to say`]
  const others = requiredNames(output).filter((name) => isRedirect && name !== location)
  if (others.length > 0)
    return [
      `a redirect sends location "${location}" and nothing else: expected no other required field, found ${others.map((name) => `"${name}"`).join(' and ')}`,
    ]
  return isRedirect || status === 201 || status === 202
    ? []
    : [`location needs status 201, 202 or a redirect, found ${status}`]
}

function checkEtag({ binding: { etag }, spec, output }: BoundFields): readonly string[] {
  if (etag === undefined) return []
  if (isStream(spec.output)) return ['etag cannot be a field of an output stream, whose head is sent before its items']
  const field = fieldOf(output, etag)
  if (field !== undefined && isVersion(field)) return []
  return [`etag must name a field of the output that is text or a whole number, found ${describeField(field, etag)}`]
}

function describeField(field: JsonSchema | undefined, name: string): string {
  return field === undefined ? `no field "${name}"` : `"${name}" of ${describeType(field)}`
}

function isRequired(object: JsonSchema, name: string): boolean {
  return requiredNames(object).includes(name)
}

function requiredNames(object: JsonSchema): readonly string[] {
  const required: unknown = object['required']
  return Array.isArray(required) ? required : []
}
