import type { HttpOperation, JsonSchema, NamedField } from '@tenon/core/contract'
import { compileTextReader, invalidArgument, type ServiceError } from '@tenon/core/transport'
import { fieldSchema } from '../field-schema.ts'
import { compileCookieReader } from './read-cookie.ts'
import { compileHeaderReader } from './read-header.ts'
import type { InputSource, PathValues } from './read-input.ts'

/** Where a field is read from. */
export type FieldPlace = 'query' | 'path' | 'header' | 'cookie' | 'body'

/** An input field that is read from one place outside of the body. */
export interface PlacedField {
  readonly name: string
  readonly from: FieldPlace
  /**
   * Its value, undefined where there is none.
   *
   * @throws ServiceError `invalid_argument` for a value that cannot be read, or another one in the query.
   */
  read(source: InputSource, path: PathValues): unknown
}

/** Decides at boot where every field is read that a route, its query, a header or a cookie names. */
export function compilePlacedFields(http: HttpOperation, schema: JsonSchema): readonly PlacedField[] {
  const fieldOf = (name: string) => fieldSchema(schema, name)
  const headers = http.headers.map(({ field, name }) => {
    const read = compileHeaderReader(field, name, fieldOf(field))
    return notInQuery({ name: field, from: 'header', read: ({ headers: found }) => read(found) }, fieldOf(field))
  })
  const cookies = http.cookies.map(({ field, name }) => {
    const read = compileCookieReader(name, fieldOf(field))
    return notInQuery({ name: field, from: 'cookie', read: ({ headers: found }) => read(found) }, fieldOf(field))
  })
  const query = http.query.map((name) => queryField(name, fieldOf(name)))
  const path = http.parameters.map((name) => pathField(name, fieldOf(name)))
  return [...query, ...headers, ...cookies, ...path]
}

/** Puts a value where it belongs; one that came with the body must be the same. */
export function place(input: Record<string, unknown>, { name, from }: PlacedField, value: unknown): void {
  if (Object.hasOwn(input, name) && !isSame(input[name], value)) throw differs(name, from)
  if (value !== undefined) input[name] = value
}

/**
 * Refuses another value in the query for a field that the body has. A request without a query costs nothing.
 *
 * @throws ServiceError `invalid_argument` with the rule `location`
 */
export function compileQueryGuard(http: HttpOperation, schema: JsonSchema) {
  const placed = new Set([...http.query, ...http.parameters, ...[...http.headers, ...http.cookies].map(toField)])
  const names = Object.keys(schema['properties'] ?? {}).filter((name) => !placed.has(name))
  const readers = new Map(names.map((name) => [name, compileTextReader(fieldSchema(schema, name))]))
  return ({ query }: InputSource, input: Readonly<Record<string, unknown>>): void => {
    for (const name in query) {
      const text = query[name]
      const read = readers.get(name)
      if (read && text !== undefined && !isSame(read(text), input[name])) throw differs(name, 'body')
    }
  }
}

function toField({ field }: NamedField): string {
  return field
}

function queryField(name: string, schema: JsonSchema): PlacedField {
  const read = compileTextReader(schema)
  return {
    name,
    from: 'query',
    read: ({ query }) => {
      const text = query[name]
      return text === undefined ? undefined : read(text)
    },
  }
}

function pathField(name: string, schema: JsonSchema): PlacedField {
  const read = compileTextReader(schema)
  return notInQuery({ name, from: 'path', read: (_source, path) => read(path[name] ?? '') }, schema)
}

/** The query is open to everyone, so another value there is worth being told. */
function notInQuery(field: PlacedField, schema: JsonSchema): PlacedField {
  const { name, from } = field
  const readText = compileTextReader(schema)
  return {
    name,
    from,
    read: (source, path) => {
      const value = field.read(source, path)
      const other = source.query[name]
      if (other !== undefined && !isSame(readText(other), value)) throw differs(name, from)
      return value
    },
  }
}

/** Whether two values of a field are one: text, a number, a boolean, or a list of them. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (!Array.isArray(one) || !Array.isArray(other)) return false
  return one.length === other.length && one.every((item, index) => item === other[index])
}

function differs(name: string, from: FieldPlace): ServiceError {
  const message = `is read from the ${from} and must not have another value elsewhere`
  return invalidArgument([{ field: `/${name}`, message, rule: 'location' }])
}
