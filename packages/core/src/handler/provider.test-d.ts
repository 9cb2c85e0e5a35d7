import { expectTypeOf } from 'vitest'
import { inject } from './inject.ts'
import { provide, token } from './provider.ts'

class Db {
  query(): number {
    return 1
  }
}
abstract class Store {
  abstract find(id: string): string
}
class SqlStore extends Store {
  readonly #db: Db
  constructor(db: Db) {
    super()
    this.#db = db
  }
  find(id: string): string {
    return `${id} ${this.#db.query()}`
  }
}
const limit = token<number>('limit')
const never = (): never => {
  throw new Error('only types are looked at')
}

// What fits: a class, an abstract class, a class with parameters, a named token.
expectTypeOf(inject(Db)).toEqualTypeOf<Db>()
expectTypeOf(inject(Store)).toEqualTypeOf<Store>()
expectTypeOf(inject(SqlStore)).toEqualTypeOf<SqlStore>()
expectTypeOf(inject(limit)).toEqualTypeOf<number>()
provide(Store, { needs: [Db, limit], create: async (db, most) => (most.toFixed(), new SqlStore(db)) })
provide(Store, { needs: [Db], create: (db, { signal }) => (signal.throwIfAborted(), new SqlStore(db)) })
provide(limit, { create: ({ signal }) => (signal.aborted ? 0 : 1) })
provide(Db, { create: never, dispose: (db, signal) => db.query() > 0 && signal.aborted })
provide(Db, { create: never, check: (db, signal) => db.query() > 0 && signal.aborted, dispose: (db) => db.query() })

// @ts-expect-error -- a Store is no text
const text: string = inject(Store)
// @ts-expect-error -- the token stands for a number
const name: string = inject(limit)
// @ts-expect-error -- a name is no token
inject('Store')
// @ts-expect-error -- a Db is no Store
provide(Store, { create: () => new Db() })
// @ts-expect-error -- nor is the promise of one
provide(Store, { create: async () => new Db() })
// @ts-expect-error -- the token stands for a number
provide(limit, { create: () => 'many' })
// @ts-expect-error -- what is needed is a Db, not a Store
provide(Store, { needs: [Db], create: (store: Store) => store })
// @ts-expect-error -- only one thing is needed, so only one is handed over, and the context
provide(Store, { needs: [Db], create: (db, _context, _other) => new SqlStore(db) })
// @ts-expect-error -- what follows the needs is the context, not an option of the function's own
provide(Store, { needs: [Db], create: (db, _options?: { readonly poolSize?: number }) => new SqlStore(db) })
// @ts-expect-error -- nothing is needed, so nothing is handed over
provide(Store, { create: (db: Db) => new SqlStore(db) })
// @ts-expect-error -- a Store cannot be closed
provide(Store, { create: never, dispose: (store) => store.close() })
// @ts-expect-error -- a Store has no ping
provide(Store, { create: never, check: (store) => store.ping() })

export type Unused = [typeof text, typeof name]
