import { type AnyContract, bytes, contract, formPart, stream } from '@tenon/core/contract'
import Type from 'typebox'
import type { OperationObject, Reply } from './document.ts'
import { openapi } from './openapi.ts'

export const Book = Type.Object({ bookId: Type.String(), title: Type.String() }, { $id: 'Book' })
const bookId = Type.String({ description: 'Of the book.' })
export const Id = Type.Object({ bookId })

export const books = contract('library.v1.BookService', {
  getBook: {
    summary: 'One book.',
    description: 'A book by its *id*.',
    input: Id,
    output: Book,
    errors: ['not_found'],
    http: 'GET /v1/books/:bookId',
    timeoutMs: 500,
  },
  findBooks: {
    input: Type.Object({
      words: Type.Array(Type.String()),
      limit: Type.Integer({ default: 10 }),
      old: Type.Optional(Type.Boolean({ deprecated: true })),
    }),
    output: Type.Object({ books: Type.Array(Book) }),
    http: 'GET /v1/books',
  },
  putBook: {
    input: Type.Object({ bookId, title: Type.String(), notify: Type.Optional(Type.Boolean()) }, { $id: 'PutBook' }),
    output: Book,
    errors: ['failed_precondition', 'already_exists', 'aborted'],
    http: { route: 'PUT /v1/books/:bookId', query: ['notify'], status: 201 },
    access: { roles: ['editor', 'admin'] },
  },
  dropBook: { input: Id, output: Type.Void(), http: 'DELETE /v1/books/:bookId', access: { scopes: ['read', 'drop'] } },
  lendBook: { input: Id, output: Book, http: 'POST /v1/books/:bookId:lend', access: 'authenticated' },
  watchBooks: {
    input: Type.Object({}),
    output: stream(Book),
    http: { route: 'GET /v1/books:watch', sse: { id: 'bookId' } },
  },
  addBooks: { input: stream(Book), output: Type.Object({ count: Type.Integer() }), http: 'POST /v1/books:add' },
  getCover: { input: Id, output: bytes({ mediaType: 'image/png' }), http: 'GET /v1/books/:bookId/cover' },
  putCover: {
    input: Type.Object({ bookId, cover: bytes({ mediaType: 'image/png' }) }),
    output: Type.Void(),
    http: 'PUT /v1/books/:bookId/cover',
    deprecated: true,
  },
  uploadPages: { input: stream(formPart()), output: Type.Object({}), http: 'POST /v1/pages' },
})

export const json = 'application/json'
export const problem = 'application/problem+json'
export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** The description of an operation, by method and path. */
export function operationOf(of: AnyContract, method: string, path: string): OperationObject {
  const found = openapi(of).paths[path]?.[method]
  if (found === undefined) throw new Error(`nothing at ${method} ${path}`)
  return found
}

export const bookAt = (method: string, path: string) => operationOf(books, method, path)

/** A reply that stands where it is used. */
export function replyOf(operation: OperationObject, status: number): Reply {
  const reply = operation.responses[status]
  if (reply === undefined || '$ref' in reply) throw new Error(`no reply ${status} of its own`)
  return reply
}
