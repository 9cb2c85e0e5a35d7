import { expectTypeOf } from 'vitest'
import { hook, type HookContext } from './hook.ts'
import { token } from './provider.ts'

class Db {
  readonly url: string = ''
}
const cache = token<Map<string, number>>('cache')

// What fits.
hook('none', ({ signal, log }) => (signal.throwIfAborted(), log.info({}, 'runs')))
hook(
  'both',
  (db, map, context) => {
    expectTypeOf(db).toEqualTypeOf<Db>()
    expectTypeOf(map).toEqualTypeOf<Map<string, number>>()
    expectTypeOf(context).toEqualTypeOf<HookContext>()
  },
  { needs: [Db, cache], timeoutMs: 1_000 },
)

// @ts-expect-error -- without needs there is only the context
hook('none', (db, context) => [db, context])
// @ts-expect-error -- a Db has no such field
hook('typo', (db) => db.uri, { needs: [Db] })
// @ts-expect-error -- there is no such option
hook('typo', () => undefined, { timeout: 1_000 })
