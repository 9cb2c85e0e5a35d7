import { type AnyContract, contractInfo, type HttpBoundRoute, type Operation } from '@tenon/core/contract'
import { type Admission, ConfigError, SchemaBook } from '@tenon/core/transport'
import { checkOpenApiOptions } from './check-document.ts'
import { bearerScheme } from './describe-access.ts'
import { type DescribedPlace, describeOperation, type OperationBooks } from './describe-operation.ts'
import type { OpenApiDocument, OpenApiInfo, OpenApiTag, OperationObject } from './document.ts'
import type { OpenApiOptions } from './openapi-options.ts'
import { ProblemReplies } from './problem-reply.ts'

/**
 * Describes every operation of the contracts that has an HTTP route as OpenAPI 3.1, with JSON Schema 2020-12. The same contracts
 * and options give the same document, byte for byte, in whatever order the contracts are given.
 *
 * @throws ConfigError `config.malformed` for an option that does not exist or has another form
 * @see OpenAPI Specification 3.1.0
 */
export function openapi(
  contracts: AnyContract | readonly AnyContract[],
  options: OpenApiOptions = {},
): OpenApiDocument {
  const problems = checkOpenApiOptions('openapi()', options)
  if (problems.length > 0) throw new ConfigError(problems)
  const infos = [contracts].flat().map((one) => contractInfo(one))
  const operations = infos.flatMap((info) => info.operations).map((operation) => ({ operation }))
  const [first] = infos.map(({ name }) => name.slice(name.lastIndexOf('.') + 1)).toSorted()
  return describeOperations(operations, { title: first ?? 'API', ...options })
}

/** An operation with what its service says of callers, where there is a service. */
export interface ServedOperation {
  readonly operation: Operation
  readonly admission?: Admission
}

/** What a server does to all requests. */
export interface ServerTraits {
  /** Whether callers may be banned for a while. @defaultValue false */
  readonly hasBans?: boolean
}

/** The same for the operations of a service. */
export function describeOperations(
  served: readonly ServedOperation[],
  options: OpenApiOptions,
  { hasBans = false }: ServerTraits = {},
): OpenApiDocument {
  const { servers = [{ url: '/' }], securitySchemes = bearerScheme, defaultAccess = 'public' } = options
  const unnamed = served.flatMap(({ operation, admission }) => {
    const { access = defaultAccess, http } = operation
    return http ? toPlaces({ operation, http, admission: admission ?? { access, hasPolicy: false } }) : []
  })
  const places = withPathNames(unnamed).toSorted(byPlace)
  const book = new SchemaBook()
  const hasCallers = places.some(({ admission }) => admission.access !== 'public')
  const books: OperationBooks = { book, problems: new ProblemReplies(book), securitySchemes, hasCallers, hasBans }
  const described = places.map((place) => ({ ...place, object: describeOperation(place, books) }))
  return {
    openapi: '3.1.0',
    info: infoOf(options),
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers,
    tags: tagsOf(
      described.map(({ object }) => object),
      options.tags,
    ),
    paths: pathsOf(described),
    components: {
      schemas: book.components,
      responses: books.problems.components,
      ...(hasCallers && { securitySchemes }),
    },
  }
}

type Unnamed = Omit<DescribedPlace, 'pathNames'>

function toPlaces({ http, ...rest }: Omit<Unnamed, 'route' | 'index'>): readonly Unnamed[] {
  return http.routes.map((route, index) => ({ ...rest, http, route, index }))
}

/**
 * Gives the parameters of paths that differ in nothing but the names of theirs one set of names, the first in the alphabet.
 *
 * @see OpenAPI 3.1, paths object: such paths are identical, and must not both be there
 */
function withPathNames(places: readonly Unnamed[]): readonly DescribedPlace[] {
  const shapeOf = ({ route }: Unnamed) => templateOf(route, () => '')
  const byShape = Map.groupBy(places, shapeOf)
  return places.map((place) => {
    const group = byShape.get(shapeOf(place)) ?? [place]
    const [first = place] = group.toSorted((one, other) => (one.route.path < other.route.path ? -1 : 1))
    return { ...place, pathNames: first.route.parameters }
  })
}

/** `/v1/users/:userId:cancel` becomes `/v1/users/{userId}:cancel`. */
function templateOf({ segments }: HttpBoundRoute, nameOf: (index: number) => string): string {
  let index = 0
  const texts = segments.map(({ parameter, text }) => `${parameter === undefined ? '' : `{${nameOf(index++)}}`}${text}`)
  return `/${texts.join('/')}`
}

function pathOf({ route, pathNames }: DescribedPlace): string {
  return templateOf(route, (index) => pathNames[index] ?? '')
}

function byPlace(one: DescribedPlace, other: DescribedPlace): number {
  const [first = '', second = ''] = [one, other].map((place) => `${pathOf(place)} ${place.route.method}`)
  return first < second ? -1 : 1
}

const infoFields = ['title', 'version', 'summary', 'description', 'termsOfService', 'contact', 'license'] as const

/** In the order of the specification, whatever the options' own. */
function infoOf(options: OpenApiOptions): OpenApiInfo {
  const given: OpenApiOptions = { title: 'API', version: '1.0.0', description: usage, ...options }
  return Object.fromEntries(
    infoFields.flatMap((field) => (given[field] === undefined ? [] : [[field, given[field]]])),
  ) as unknown as OpenApiInfo
}

/** What holds for every operation, and so stands at none. */
const usage = `Errors are problem documents (RFC 9457) whose \`code\` and \`reason\` are for programs.

Fields that are not declared are dropped, unless a schema says \`additionalProperties: false\`. A caller may say with the header \`x-request-timeout-ms\` how many milliseconds it waits; what takes longer is answered 504. Every GET is answered for HEAD too.`

function tagsOf(objects: readonly OperationObject[], given: readonly OpenApiTag[] = []): readonly OpenApiTag[] {
  const contracts = new Map(
    objects
      .flatMap(({ operationId, tags }) => tags.map((tag) => [tag, operationId.split('_')[0]] as const))
      .toReversed(),
  )
  const described = new Set(given.map(({ name }) => name))
  const found = [...contracts].flatMap(([name, of]) =>
    described.has(name) ? [] : [{ name, description: `Operations of ${of}.` }],
  )
  return [...given, ...found].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

type Described = DescribedPlace & { readonly object: OperationObject }

function pathsOf(described: readonly Described[]): OpenApiDocument['paths'] {
  const byPath = Map.groupBy(described, pathOf)
  return Object.fromEntries(
    [...byPath].map(([path, group]) => [
      path,
      Object.fromEntries(group.map(({ route, object }) => [route.method.toLowerCase(), object])),
    ]),
  )
}
