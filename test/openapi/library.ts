import { defineHandler, defineService, fault, ServiceError } from '@tenon/core'
import { bytes, contract, int64, secret, stream } from '@tenon/core/contract'
import { httpTransport } from '@tenon/transport-http'
import Type, { type Static } from 'typebox'

const BookId = Type.String({ pattern: '^b-[a-z]{1,8}$', description: 'Chosen by who adds the book.' })
const Isbn = Type.Union([Type.Literal('isbn-10'), Type.Literal('isbn-13')])

type Book = Static<typeof Book>
const Book = Type.Object(
  {
    bookId: BookId,
    title: Type.String({ minLength: 1, maxLength: 50 }),
    pageCount: Type.Integer({ minimum: 1, maximum: 10_000, default: 100 }),
    soldCount: Type.Optional(int64({ minimum: 0n })),
    kind: Type.Optional(Isbn),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 10 }), { maxItems: 3 })),
    position: Type.Optional(Type.Tuple([Type.Integer(), Type.String({ maxLength: 5 })])),
    cover: Type.Optional(bytes({ maxLength: 16 })),
    key: Type.Optional(secret(Type.String({ maxLength: 10 }))),
  },
  { title: 'Book' },
)

const Versioned = Type.Object({ book: Book, version: Type.Integer({ minimum: 1 }) }, { title: 'Versioned' })

/** An operation for everything that a document has a word for. */
const library = contract('library.v1.LibraryService', {
  getBook: {
    input: Type.Object({
      bookId: BookId,
      language: Type.Optional(Type.Union([Type.Literal('de'), Type.Literal('fr')])),
    }),
    output: Versioned,
    errors: ['not_found'],
    http: {
      route: ['GET /v1/books/:bookId', 'GET /v1/shelves/any/books/:bookId'],
      etag: 'version',
      headers: { language: 'x-language' },
    },
    tags: ['books', 'reading'],
  },
  putBook: {
    input: Type.Object({ bookId: BookId, version: Type.Optional(Type.String()), book: Book }),
    output: Versioned,
    errors: ['failed_precondition', 'invalid_argument'],
    http: { route: 'PUT /v1/books/:bookId', body: 'book', headers: { version: 'if-match' }, etag: 'version' },
    access: { roles: ['editor', 'owner'] },
  },
  dropBook: {
    input: Type.Object({ bookId: BookId }, { additionalProperties: false }),
    output: Type.Void(),
    errors: ['not_found'],
    http: 'DELETE /v1/books/:bookId',
    access: { scopes: ['books'] },
    deprecated: {
      at: '2026-01-01T00:00:00Z',
      sunset: '2030-01-01T00:00:00Z',
      link: 'https://library.example.com/drop',
    },
  },
  findBooks: {
    input: Type.Object({
      ids: Type.Optional(Type.Array(BookId, { maxItems: 5 })),
      kind: Type.Optional(Isbn),
      isLong: Type.Optional(Type.Boolean()),
      weight: Type.Optional(Type.Number({ minimum: 0, maximum: 10 })),
      limit: Type.Integer({ minimum: 1, maximum: 10, default: 5 }),
    }),
    output: Type.Object({ books: Type.Array(Book) }),
    http: 'GET /v1/books',
    examples: [{ input: { limit: 3 }, output: { books: [{ bookId: 'b-emma', title: 'Emma', pageCount: 474 }] } }],
  },
  sendCover: {
    input: Type.Object({ bookId: BookId, cover: bytes({ mediaType: 'application/octet-stream', maxLength: 1_000 }) }),
    output: Type.Object({ size: Type.Integer() }),
    http: 'PUT /v1/books/:bookId/cover',
  },
  sendPages: {
    input: stream(Type.Object({ bookId: BookId, chunk: bytes({ mediaType: 'application/octet-stream' }) })),
    output: Type.Object({ size: Type.Integer() }),
    http: 'POST /v1/books/:bookId/pages',
  },
  countPages: {
    input: Type.Object({ count: Type.Integer() }),
    output: Type.Object({ count: Type.Integer() }),
    http: 'POST /v1/pages:count',
    access: { roles: ['editor', 'owner'] },
  },
  readCover: {
    input: Type.Object({ bookId: BookId }),
    output: stream(bytes({ mediaType: 'application/octet-stream' })),
    http: 'GET /v1/books/:bookId/cover',
  },
  openBook: {
    input: Type.Object({ bookId: BookId }),
    output: Type.Object({ place: Type.String() }),
    http: { route: 'GET /v1/books/:bookId:open', status: 303, location: 'place' },
  },
  lendBook: {
    input: Type.Object(
      { bookId: BookId, days: Type.Integer({ minimum: 1, maximum: 28 }) },
      { additionalProperties: false },
    ),
    output: Book,
    errors: ['not_found', 'already_exists', 'resource_exhausted'],
    http: { route: 'POST /v1/books/:bookId:lend', status: 201 },
    access: 'authenticated',
  },
})

function findBook(books: ReadonlyMap<string, Book>, bookId: string): Book {
  const book = books.get(bookId)
  if (book === undefined) throw new ServiceError('not_found', `there is no book ${bookId}`)
  return book
}

const handler = defineHandler(library, () => {
  const books = new Map<string, Book>()
  let version = 1
  return {
    getBook: ({ bookId }) => ({ book: findBook(books, bookId), version }),
    putBook: ({ bookId, version: expected, book }) => {
      if (book.bookId !== bookId) throw fault(library.putBook, 'invalid_argument', 'the book has another id')
      if (expected !== undefined && expected !== String(version))
        throw fault(library.putBook, 'failed_precondition', { message: 'it has changed', reason: 'version_mismatch' })
      books.set(bookId, book)
      version += 1
      return { book, version }
    },
    dropBook: ({ bookId }) => {
      findBook(books, bookId)
      books.delete(bookId)
    },
    findBooks: ({ limit }) => ({ books: [...books.values()].slice(0, limit) }),
    sendCover: ({ cover }) => ({ size: cover.length }),
    sendPages: async (items) => {
      let size = 0
      for await (const { chunk } of items) size += chunk.length
      return { size }
    },
    countPages: ({ count }) => ({ count }),
    async *readCover(_input, call) {
      call.setHeader('content-length', '3')
      yield new Uint8Array([1, 2, 3])
    },
    openBook: ({ bookId }) => ({ place: `/v1/books/${bookId}` }),
    lendBook: ({ bookId }) => findBook(books, bookId),
  }
})

/** Serves the library to callers with the token `editor`, who may do everything, and to others what is public. */
export const libraryService = defineService({
  name: 'library',
  version: '1.0.0',
  handlers: [handler],
  admin: false,
  defaultAccess: 'public',
  transports: () => [
    httpTransport({
      port: 0,
      pathPrefix: '/api',
      securityHeaders: true,
      cors: true,
      openapi: { license: { name: 'MIT', identifier: 'MIT' }, contact: { name: 'The library' } },
    }),
  ],
  authenticate: ({ metadata }) => {
    const { authorization } = metadata
    if (authorization === undefined) return undefined
    if (authorization !== 'Bearer editor') throw new ServiceError('unauthenticated', 'the token is not valid')
    return { id: 'ann', roles: ['editor'], scopes: ['books'] }
  },
})
