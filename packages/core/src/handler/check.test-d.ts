import { check } from './check.ts'
import { provide, token } from './provider.ts'

class Db {
  ping(_signal: AbortSignal): void {}
}
const limit = token<number>('limit')

check('db', (db, max, { signal }) => db.ping(max > 1 ? signal : signal), { needs: [Db, limit], affects: 'readiness' })
check('disk', async ({ signal }) => signal.throwIfAborted())
check('disk', () => undefined, { affects: 'none', timeoutMs: 1_000, intervalMs: 1_000, gracePeriodMs: 0 })

// @ts-expect-error what it does not need is not given to it
check('db', (db: Db) => db.ping(AbortSignal.abort()))

// @ts-expect-error a number has no ping()
check('db', (db) => db.ping(), { needs: [limit] })

// @ts-expect-error there is no such effect
check('db', () => undefined, { affects: 'startup' })

provide(Db, { create: () => new Db(), check: (db, signal) => db.ping(signal) })
provide(Db, { create: () => new Db(), check: { run: (db, signal) => db.ping(signal), intervalMs: 10_000 } })

// @ts-expect-error the options of a check have to have the check itself
provide(Db, { create: () => new Db(), check: { intervalMs: 10_000 } })
