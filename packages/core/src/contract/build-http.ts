import { checkHttpFields } from './check-http.ts'
import { describeType, fieldNames, fieldOf } from './check-spec.ts'
import type { HttpBinding, HttpBoundRoute, HttpOperation, NamedField } from './http-binding.ts'
import type { OperationSpec } from './operation.ts'
import { type HttpRoute, parseRoute } from './route.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { isStream } from './stream.ts'
import { readStreamBinding } from './stream-binding.ts'
import { isTextual } from './textual.ts'

/** What an HTTP binding is checked against. */
export interface HttpDraft {
  readonly spec: OperationSpec
  readonly binding: HttpBinding
  /** Of the input, or of one item of it. */
  readonly input: JsonSchema
  /** Of the output, or of one item of it. */
  readonly output: JsonSchema
  /** Takes what is wrong, with the route it is wrong for. */
  report(route: string, message: string): void
}

/** Takes an HTTP binding apart; undefined when no route of it can be read. */
export function buildHttp(draft: HttpDraft): HttpOperation | undefined {
  const { binding, spec, input, output, report } = draft
  const texts = typeof binding.route === 'string' ? [binding.route] : [...(binding.route ?? [])]
  const [first = ''] = texts
  if (texts.length === 0) report(first, 'expected a verb and a path such as GET /v1/users/:userId')
  const headers = namedFields(binding.headers)
  const cookies = namedFields(binding.cookies)
  const routes = texts.flatMap((text) => bindRoute(text, { ...draft, headers, cookies }) ?? [])
  const [main] = routes
  if (main === undefined) return undefined
  const named = [...headers, ...cookies].map(({ field }) => field)
  const elsewhere = new Set([...main.parameters, ...main.query, ...named])
  const streams = readStreamBinding(binding, { spec, input, output, elsewhere })
  const problems = [
    ...repeatedRoutes(routes),
    ...checkHttpFields({ binding, spec, input, output, headers, cookies, routes }),
    ...streams.problems,
  ]
  for (const message of problems) report(first, message)
  const { status = 200, body, location, etag } = binding
  const shared = { ...streams.settings, status, headers, cookies, body, location, etag }
  return Object.freeze({ ...main, routes: Object.freeze(routes), ...shared })
}

interface RouteDraft extends HttpDraft {
  readonly headers: readonly NamedField[]
  readonly cookies: readonly NamedField[]
}

function namedFields(names: Readonly<Record<string, string>> | undefined): readonly NamedField[] {
  return Object.freeze(Object.entries(names ?? {}).map(([field, name]) => Object.freeze({ field, name })))
}

function bindRoute(text: string, draft: RouteDraft): HttpBoundRoute | undefined {
  const { spec, report } = draft
  try {
    const route = parseRoute(text)
    const { problems, query, hasBody } = divideFields(route, draft)
    for (const problem of problems) report(text, problem)
    if (isStream(spec.input) && !hasBody)
      report(text, 'an input stream is the body of the request: expected POST, PUT or PATCH')
    return Object.freeze({ ...route, query: Object.freeze(query), hasBody })
  } catch (error) {
    report(text, error instanceof Error ? error.message : String(error))
    return undefined
  }
}

/** Divides the input's fields among path, query and body, and names what does not fit. */
function divideFields(route: HttpRoute, { binding, input, headers, cookies }: RouteDraft) {
  const problems: string[] = []
  const hasBody = route.method !== 'GET' && route.method !== 'DELETE'
  const inPath = new Set(route.parameters)
  const named = binding.query ?? []
  const elsewhere = new Set([...inPath, ...[...headers, ...cookies].map(({ field }) => field), binding.body])
  const isRestInQuery = !hasBody || binding.body !== undefined
  const query = isRestInQuery ? fieldNames(input).filter((name) => !elsewhere.has(name)) : [...new Set(named)]
  for (const name of new Set([...inPath, ...query, ...named])) {
    const field = fieldOf(input, name)
    if (field === undefined) problems.push(`"${name}" is no field of the input`)
    else if (!isTextual(field, inPath.has(name) ? 'single' : 'list'))
      problems.push(`field "${name}" cannot be read from text: ${describeType(field)}`)
    if (inPath.has(name) && named.includes(name)) problems.push(`field "${name}" is in the path and in query`)
  }
  for (const [place, name] of [
    ...placesOf('headers', headers),
    ...placesOf('cookies', cookies),
    ['body', binding.body],
  ])
    if (name !== undefined && inPath.has(name)) problems.push(`field "${name}" is in the path and in ${place}`)
  if (binding.body !== undefined && !hasBody)
    problems.push('body needs a verb that has one: expected POST, PUT or PATCH')
  return { problems, query, hasBody }
}

function placesOf(place: string, fields: readonly NamedField[]): readonly (readonly [string, string])[] {
  return fields.map(({ field }) => [place, field])
}

function repeatedRoutes(routes: readonly HttpBoundRoute[]): readonly string[] {
  const seen = new Set<string>()
  return routes.flatMap(({ method, path }) => {
    const route = `${method} ${path}`
    const isRepeated = seen.has(route)
    seen.add(route)
    return isRepeated ? [`the route "${route}" is listed twice`] : []
  })
}
