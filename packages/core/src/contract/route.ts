/** The verbs a route may have. */
export const httpMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type HttpMethod = (typeof httpMethods)[number]

/**
 * A verb and a path: `GET /v1/users/:userId`.
 *
 * A parameter is a whole path segment; a colon later in a segment starts a custom verb: `/v1/users/:userId:cancel`.
 *
 * @see Google AIP-136, custom methods
 */
export type RouteText = `${HttpMethod} /${string}`

type SegmentOf<Path extends string> = Path extends `${infer Head}/${infer Tail}` ? Head | SegmentOf<Tail> : Path
type ParameterOf<Segment extends string> = Segment extends `:${infer Name}:${string}`
  ? Name
  : Segment extends `:${infer Name}`
    ? Name
    : never

/** The names of the parameters in a route. */
export type RouteParameter<Route> = Route extends `${string} ${infer Path}` ? ParameterOf<SegmentOf<Path>> : never

export interface RouteSegment {
  /** The parameter's name, or undefined for fixed text. */
  readonly parameter: string | undefined
  /** Fixed text, or what follows a parameter: `:cancel`. */
  readonly text: string
}

/** A route taken apart. */
export interface HttpRoute {
  readonly method: HttpMethod
  /** As written in the contract: `/v1/users/:userId`. */
  readonly path: string
  readonly segments: readonly RouteSegment[]
  readonly parameters: readonly string[]
}

/**
 * Takes a route apart.
 *
 * @throws Error that says what is wrong with the route.
 */
export function parseRoute(route: string): HttpRoute {
  const [method, path, ...rest] = route.split(' ')
  if (!isHttpMethod(method)) throw new Error(`expected one of ${httpMethods.join(', ')} before the path`)
  if (path === undefined || !path.startsWith('/') || rest.length > 0)
    throw new Error('expected one path that starts with "/"')
  const segments = path.slice(1).split('/').map(parseSegment)
  const parameters = segments.flatMap(({ parameter }) => parameter ?? [])
  const repeated = parameters.find((name, index) => parameters.indexOf(name) !== index)
  if (repeated !== undefined) throw new Error(`parameter :${repeated} appears twice`)
  return Object.freeze({ method, path, segments: Object.freeze(segments), parameters: Object.freeze(parameters) })
}

const parameterSegment = /^:([A-Za-z_][A-Za-z0-9_]*)(:[A-Za-z][A-Za-z0-9_-]*)?$/
const fixedSegment = /^[A-Za-z0-9._~-]+(:[A-Za-z][A-Za-z0-9_-]*)?$/

function parseSegment(segment: string): RouteSegment {
  const match = parameterSegment.exec(segment)
  if (match) return Object.freeze({ parameter: match[1], text: match[2] ?? '' })
  if (fixedSegment.test(segment)) return Object.freeze({ parameter: undefined, text: segment })
  throw new Error(`segment "${segment}" is neither fixed text, :parameter, text:verb nor :parameter:verb`)
}

function isHttpMethod(method: string | undefined): method is HttpMethod {
  return httpMethods.some((known) => known === method)
}
