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
  const fields = new Set<DescField>()
  if (/(?:^|\/)\*{1,2}(?:\/|:|$)/.test(path.replaceAll(/\{[^}]*\}/g, 'x')))
    return { problem: 'a * outside of a variable is not supported' }
  let problem: string | undefined
  const written = path.slice(1).replaceAll(/\{([^}=]*)(?:=([^}]*))?\}/g, (_all, name: string, pattern = '*') => {
    const field = fieldNamed(input, name)
    if (pattern !== '*') problem ??= `the pattern ${pattern} of {${name}} is not one segment`
    else if (name.includes('.')) problem ??= `{${name}} is a field inside a field`
    else if (field === undefined || !isScalar(field)) problem ??= `{${name}} is no scalar field of ${input.typeName}`
    if (field) fields.add(field)
    return `:${field?.jsonName ?? name}`
  })
  return problem === undefined ? { path: `/${written}`, fields } : { problem }
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
