import type { HttpMethod, HttpOperation, RouteSegment } from '@tenon/core/contract'
import { type OperationEndpoint, type SetupProblem, WiringError } from '@tenon/core/transport'
import type { PathValues } from '../input/read-input.ts'

/** An endpoint with a route that leads to it. */
export interface HttpRoute {
  readonly endpoint: OperationEndpoint
  /** Its own method, path and query are those of this route, which need not be the operation's first. */
  readonly http: HttpOperation
}

/**
 * Routes that differ only in the custom verb behind a parameter. The router sees one path for them; the verb is read from
 * the raw path, because the router decodes a segment before it looks at it and would take `42%3Acancel` for `42:cancel`.
 */
export interface RouteGroup {
  readonly method: HttpMethod
  /** The path in the router's own form. */
  readonly path: string
  /** Routes with a verb first. */
  readonly routes: readonly HttpRoute[]
}

/** Finds a route at a raw path: its parameters, or undefined when the path is another route's or nobody's. */
export type ReadPath = (path: string) => PathValues | undefined

/**
 * The routes of all endpoints that have one.
 *
 * @throws WiringError `wiring.route_conflict` naming both operations, for every pair.
 */
export function routesOf(endpoints: readonly OperationEndpoint[]): readonly HttpRoute[] {
  const routes = endpoints.flatMap((endpoint) => {
    const { http } = endpoint.operation
    return http === undefined ? [] : http.routes.map((route) => ({ endpoint, http: { ...http, ...route } }))
  })
  const problems = findConflicts(routes)
  if (problems.length > 0) throw new WiringError(problems)
  return routes
}

export function groupRoutes(routes: readonly HttpRoute[]): readonly RouteGroup[] {
  const groups = Map.groupBy(routes, ({ http }) => `${http.method} ${http.segments.map(withoutVerb).join('/')}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const path = `/${first.http.segments.map(toRouterSegment).join('/')}`
    return [{ method: first.http.method, path, routes: group.toSorted((a, b) => verbCount(b) - verbCount(a)) }]
  })
}

/**
 * Decides at boot whether a route can be told from all others by what the router says of it. If not, its parameters must be
 * read from the raw path: it has a verb itself, or a path that it matches may belong to a verb of any method.
 */
export function compilePathReader(route: HttpRoute, routes: readonly HttpRoute[]): ReadPath | undefined {
  const others = verbsAgainst(route, routes)
  if (others.length === 0 && verbCount(route) === 0) return undefined
  const { parameters } = route.http
  const pattern = toPattern(route.http)
  return (path) => {
    const match = pattern.exec(path)
    if (match === null || others.some((other) => other.test(path))) return undefined
    return Object.fromEntries(parameters.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? '')]))
  }
}

/** The methods that some route answers at a path, with what follows from them; empty for an unknown path. */
export function compileAllowedMethods(routes: readonly HttpRoute[]): (path: string) => readonly string[] {
  const matches = routes.map((route) => ({ method: route.http.method, has: compilePathMatch(route, routes) }))
  return (path) => {
    const methods = new Set<string>(matches.flatMap(({ method, has }) => (has(path) ? [method] : [])))
    if (methods.has('GET')) methods.add('HEAD')
    if (methods.size > 0) methods.add('OPTIONS')
    return [...methods].toSorted()
  }
}

/** Whether a raw path is the route's, and no verb's that is not. */
function compilePathMatch(route: HttpRoute, routes: readonly HttpRoute[]): (path: string) => boolean {
  const pattern = toPattern(route.http)
  const others = verbsAgainst(route, routes)
  return (path) => pattern.test(path) && !others.some((other) => other.test(path))
}

/** Whether requests to a path without parameters may be meant for the route, or for what is below the path. */
export function claims({ http }: HttpRoute, path: string, where: 'at' | 'below' = 'at'): boolean {
  if (where === 'at') return toPattern(http).test(path)
  const depth = path.split('/').length - 1
  return http.segments.length > depth && toPattern({ ...http, segments: http.segments.slice(0, depth) }).test(path)
}

/** The path of a request target as it was sent. @see RFC 9112 section 3.2.2: a target may also be a whole address */
export function rawPath(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '')
  const end = path.search(/[?#]/)
  return (end === -1 ? path : path.slice(0, end)) || '/'
}

function findConflicts(routes: readonly HttpRoute[]): readonly SetupProblem[] {
  const seen = new Map<string, HttpRoute>()
  return routes.flatMap((route): readonly SetupProblem[] => {
    const { method, segments, path } = route.http
    const shape = `${method} ${segments.map(toShape).join('/')}`
    const first = seen.get(shape)
    seen.set(shape, first ?? route)
    if (first === undefined) return []
    const ids = `${first.endpoint.operation.id} and ${route.endpoint.operation.id}`
    const message = `operations ${ids} both claim the route ${method} ${path}: give one of them another path or verb`
    return [{ code: 'wiring.route_conflict', message }]
  })
}

/** Two routes with the same shapes match the same paths; parameter names make no difference. */
function toShape({ parameter, text }: RouteSegment): string {
  return parameter === undefined ? text : `:${text}`
}

function withoutVerb(segment: RouteSegment): string {
  return segment.parameter === undefined ? segment.text : ':'
}

/** @see find-my-way: a colon in fixed text is written twice */
function toRouterSegment({ parameter, text }: RouteSegment): string {
  return parameter === undefined ? text.replaceAll(':', '::') : `:${parameter}`
}

/**
 * The paths that belong to verbs behind a parameter where this route has the parameter alone: what one method calls a verb, no
 * other may take for a part of the value.
 */
function verbsAgainst({ http }: HttpRoute, routes: readonly HttpRoute[]): readonly RegExp[] {
  const against = routes.filter(
    (other) =>
      other.http.segments.length === http.segments.length &&
      other.http.segments.some((segment, index) => isVerb(segment) && isValue(http.segments[index])),
  )
  return against.map((other) => toPattern(other.http))
}

function isVerb({ parameter, text }: RouteSegment): boolean {
  return parameter !== undefined && text !== ''
}

function isValue(segment: RouteSegment | undefined): boolean {
  return segment?.parameter !== undefined && segment.text === ''
}

function toPattern({ segments }: HttpOperation): RegExp {
  const texts = segments.map(({ parameter, text }) => `${parameter ? '([^/]+)' : ''}${text.replaceAll('.', '\\.')}`)
  return new RegExp(`^/${texts.join('/')}$`)
}

function verbCount({ http }: HttpRoute): number {
  return http.segments.filter(isVerb).length
}
