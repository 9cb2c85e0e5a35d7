import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf'
import type { HttpBinding, HttpMethod, RouteText } from '@tenon/core/contract'
import { type HttpRule, readHttpRules } from './http-rule.ts'
import { wellKnownOf } from './well-known.ts'
import { wrappedField } from './wrapper.ts'

/**
 * The routes of a method's `google.api.http`; undefined where it has no annotation.
 *
 * @param report Takes what cannot be a route.
 * @see google/api/http.proto, Path template syntax
 */
export function readHttpBinding(method: DescMethod, report: (problem: string) => void): HttpBinding | undefined {
  const rules = readHttpRules(method)
  const bound = rules.flatMap((rule) => bindRule(rule, method.input, report) ?? [])
  const [first, ...others] = bound
  if (first === undefined || bound.length < rules.length) return undefined
  // A contract divides the fields in one way, whichever route a call takes.
  const stray = others.find(({ body, query }) => body !== first.body || query.join() !== first.query.join())
  if (stray) {
    report(`${stray.route} takes other fields from body and query than ${first.route}`)
    return undefined
  }
  const { body, query } = first
  return {
    route: bound.map(({ route }) => route),
    ...(body === undefined ? {} : { body }),
    ...(query.length > 0 ? { query } : {}),
  }
}

interface BoundRule {
  readonly route: RouteText
  /** The field that is the whole body. */
  readonly body: string | undefined
  /** Fields of the query although the verb has a body. */
  readonly query: readonly string[]
}

const verbsWithBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
const verbs: ReadonlySet<string> = new Set<HttpMethod>(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

function bindRule(rule: HttpRule, input: DescMessage, report: (problem: string) => void): BoundRule | undefined {
  const { verb, path, body, responseBody } = rule
  const refuse = (problem: string): undefined => {
    report(`${verb} ${path}: ${problem}`)
    return undefined
  }
  if (!verbs.has(verb)) return refuse(`the verb must be one of ${[...verbs].join(', ')}`)
  if (responseBody !== '') return refuse('response_body is not supported: an output is sent whole')
  if (body !== '' && !verbsWithBody.has(verb)) return refuse(`body needs a verb that has one, unlike ${verb}`)
  if (wellKnownOf(input) && body !== '*')
    return refuse(`${input.typeName} has no fields of its own here; use body: "*"`)
  const template = readTemplate(path, input)
  if ('problem' in template) return refuse(template.problem)
  const bodyField = body === '' || body === '*' ? undefined : fieldNamed(input, body)
  if (body !== '' && body !== '*' && bodyField === undefined)
    return refuse(`body "${body}" is no field of ${input.typeName}`)
  const rest = input.fields.filter((field) => !template.fields.has(field) && field !== bodyField)
  const inQuery = body === '*' ? [] : rest
  const nested = inQuery.find((field) => !isTextual(field))
  if (nested) return refuse(`field ${nested.name} would be in the query, which has no form for it; use body: "*"`)
  const isNamed = verbsWithBody.has(verb) && body === ''
  return {
    route: `${verb as HttpMethod} ${template.path}`,
    body: bodyField?.jsonName,
    query: isNamed ? inQuery.map(({ jsonName }) => jsonName) : [],
  }
}

function fieldNamed({ fields }: DescMessage, name: string): DescField | undefined {
  return fields.find((field) => field.name === name)
}

type Template = { readonly path: RoutePath; readonly fields: ReadonlySet<DescField> } | { readonly problem: string }

type RoutePath = `/${string}`

/** `/v1/items/{item_id=*}:touch` → `/v1/items/:itemId:touch` */
function readTemplate(path: string, input: DescMessage): Template {
  if (!path.startsWith('/')) return { problem: 'the path must start with /' }
  const fields = new Set<DescField>()
  const written: string[] = []
  for (const segment of path.slice(1).split(betweenSegments)) {
    const read = readSegment(segment, input)
    if ('problem' in read) return read
    const { field } = read
    if (field && fields.has(field)) return { problem: `{${field.name}} stands in the path twice` }
    if (field) fields.add(field)
    written.push(read.text)
  }
  return { path: `/${written.join('/')}`, fields }
}

type Segment = { readonly text: string; readonly field?: DescField } | { readonly problem: string }

/** A variable may have a pattern of several segments in it. */
const betweenSegments = /\/(?![^{}]*\})/
const fixedSegment = /^[A-Za-z0-9._~-]+(?::[A-Za-z][A-Za-z0-9_-]*)?$/
const variableSegment = /^\{(?<name>[^{}=]*)(?:=(?<pattern>[^{}]*))?\}(?<verb>:[A-Za-z][A-Za-z0-9_-]*)?$/

function readSegment(segment: string, input: DescMessage): Segment {
  const { name, pattern = '*', verb = '' } = variableSegment.exec(segment)?.groups ?? {}
  if (name !== undefined) return readVariable({ name, pattern, verb }, input)
  if (/^\*{1,2}(?::|$)/.test(segment)) return { problem: 'a * outside of a variable is not supported' }
  if (fixedSegment.test(segment)) return { text: segment }
  return { problem: `segment "${segment}" is neither fixed text nor one variable` }
}

interface Variable {
  readonly name: string
  readonly pattern: string
  readonly verb: string
}

function readVariable({ name, pattern, verb }: Variable, input: DescMessage): Segment {
  if (pattern !== '*') return { problem: `the pattern ${pattern} of {${name}} is not one segment` }
  if (name.includes('.')) return { problem: `{${name}} is a field inside a field` }
  const field = fieldNamed(input, name)
  if (field === undefined || !isScalar(field)) return { problem: `{${name}} is no scalar field of ${input.typeName}` }
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(field.jsonName))
    return { problem: `{${name}} has the json_name "${field.jsonName}", which no parameter can have` }
  return { text: `:${field.jsonName}${verb}`, field }
}

function isScalar(field: DescField): boolean {
  return field.fieldKind !== 'list' && isTextual(field)
}

/** Whether a query can carry a field: a scalar, a list of them, or a message that ProtoJSON has as text. */
function isTextual({ fieldKind, message }: DescField): boolean {
  if (fieldKind === 'map') return false
  if (message === undefined || wrappedField(message)) return true
  return wellKnownOf(message)?.schema['type'] === 'string'
}
