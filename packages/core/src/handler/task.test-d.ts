import { expectTypeOf } from 'vitest'
import { token } from './provider.ts'
import { task, type TaskContext } from './task.ts'

class Db {
  readonly url: string = ''
}
const cache = token<Map<string, number>>('cache')

// What fits.
task('none', async ({ signal, log }) => (signal.throwIfAborted(), log.info({}, 'runs')))
task(
  'both',
  (db, map, context) => {
    expectTypeOf(db).toEqualTypeOf<Db>()
    expectTypeOf(map).toEqualTypeOf<Map<string, number>>()
    expectTypeOf(context).toEqualTypeOf<TaskContext>()
  },
  { needs: [Db, cache], restart: 'always', maxRestartCount: 3 },
)

// @ts-expect-error -- without needs there is only the context
task('none', (db, context) => [db, context])
// @ts-expect-error -- a Db has no such field
task('typo', (db) => db.uri, { needs: [Db] })
// @ts-expect-error -- there is no such policy
task('typo', () => undefined, { restart: 'sometimes' })
