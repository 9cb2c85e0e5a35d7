import { describe, expect, it } from 'vitest'
import { Publisher } from '../client/publisher/publisher.ts'
import { WiringError } from '../error/setup-error.ts'
import { inject } from './inject.ts'
import { type Provider, provide, token, tokenName } from './provider.ts'
import { indexProviders, planProviders, type Root } from './provider-graph.ts'

const names = (order: readonly Provider[]) => order.map((provider) => tokenName(provider.token))

const plan = (roots: readonly Root[], ...providers: readonly Provider[]) =>
  planProviders(roots, indexProviders(providers, []).byToken)

const root = (construct: () => unknown, name = 'UserHandler'): Root => ({ name, construct })
const never = () => {
  throw new Error('nothing may be created')
}

class Db {}
class Store {}
class Cache {}
class Unused {}

describe('planProviders', () => {
  it('orders what is needed after what it needs, once each, and leaves out what nobody needs', () => {
    const { order, problems } = plan(
      [root(() => inject(Store)), root(() => inject(Cache), 'Other')],
      provide(Unused, { create: never }),
      provide(Store, { needs: [Cache, Db], create: never }),
      provide(Cache, { needs: [Db], create: never }),
      provide(Db, { create: never }),
    )
    expect(problems).toEqual([])
    expect(names(order)).toEqual(['Db', 'Cache', 'Store'])
  })

  it('looks through classes without a provider', () => {
    class Inner {
      readonly store = inject(Store)
    }
    class Outer {
      readonly inner = inject(Inner)
    }
    const { order } = plan([root(() => inject(Outer))], provide(Store, { create: never }))
    expect(names(order)).toEqual(['Store'])
  })

  it('names the chain that asked for what nothing provides', () => {
    const url = token<string>('DATABASE_URL')
    class Outer {
      readonly store = inject(Store)
    }
    const { problems } = plan(
      [root(() => inject(Outer))],
      provide(Store, { needs: [Db], create: never }),
      provide(Db, { needs: [url], create: never }),
    )
    expect(problems).toEqual([
      {
        code: 'wiring.missing_provider',
        message:
          "nothing provides DATABASE_URL, asked for by UserHandler → Outer → Store → Db: add provide(DATABASE_URL, …) to the service's providers",
      },
    ])
  })

  it('says once what is missing, however many ask for it', () => {
    const url = token<string>('URL')
    const ask = () => inject(url)
    expect(plan([root(ask), root(ask, 'Other')]).problems).toHaveLength(1)
  })

  it('knows a class that only stands for what is provided', () => {
    expect(plan([root(() => inject(Publisher))]).problems).toMatchObject([
      {
        code: 'wiring.missing_provider',
        message:
          "nothing provides Publisher, asked for by UserHandler: add queueTransport({ driver }) of @tenon/transport-queue to the service's transports",
      },
    ])
  })

  it('shows a circle with its full path', () => {
    const { problems } = plan(
      [root(() => inject(Store))],
      provide(Store, { needs: [Cache], create: never }),
      provide(Cache, { needs: [Db], create: never }),
      provide(Db, { needs: [Cache], create: never }),
    )
    expect(problems).toEqual([
      { code: 'wiring.cycle', message: 'providers need one another in a circle: Cache → Db → Cache' },
    ])
  })

  it('survives constructors that use what they inject, or throw', () => {
    class Busy {
      readonly rows = inject(Db as new () => { query(sql: string): { rows: number[] } }).query('select 1').rows
      readonly first = [...this.rows].map((row) => row + 1)
      readonly text = `sum ${inject(Store as new () => { total: number }).total + 1}`
    }
    class Picky {
      readonly db = inject(Db)
      readonly checked = never()
      readonly cache = inject(Cache)
    }
    const providers = [Db, Store, Cache].map((of) => provide(of, { create: never }))
    expect(names(plan([root(() => inject(Busy))], ...providers).order)).toEqual(['Db', 'Store'])
    expect(names(plan([root(() => inject(Picky))], ...providers).order)).toEqual(['Db'])
  })

  it('passes on what a construction itself finds wrong', () => {
    const problem = { code: 'handler.missing_operation', message: 'no method implements it' } as const
    const { problems } = plan([
      root(() => {
        throw new WiringError([problem])
      }),
    ])
    expect(problems).toEqual([problem])
  })

  it('shows a circle of classes without providers with its full path, and does not run for ever', () => {
    class One {
      readonly other: unknown = inject(Two)
    }
    class Two {
      readonly one: unknown = inject(One)
    }
    expect(plan([root(() => inject(One))]).problems).toEqual([
      {
        code: 'wiring.cycle',
        message: 'classes inject one another in a circle: UserHandler → One → Two → One',
      },
    ])
  })

  it('takes a class that several inject for no circle', () => {
    class Clock {}
    class Outer {
      readonly clock = inject(Clock)
    }
    expect(plan([root(() => [inject(Clock), inject(Outer), inject(Clock)])]).problems).toEqual([])
  })

  it.each([undefined, null, 'Db', 7])(
    'names the chain that asked for %j, which an import cycle may be the reason of',
    (none) => {
      const missing = none as unknown as typeof Db
      class Outer {
        readonly db = inject(missing)
      }
      const { problems } = plan(
        [root(() => inject(Outer)), root(() => inject(Store), 'Other')],
        provide(Store, { needs: [Cache, missing], create: never }),
        provide(Cache, { create: never }),
      )
      const end = `asks for ${none}, which is neither a class nor a token: what it imports is undefined: import cycle? Import it from a file that does not import back`
      expect(problems).toEqual([
        { code: 'wiring.missing_provider', message: `UserHandler → Outer ${end}` },
        { code: 'wiring.missing_provider', message: `Other → Store ${end}` },
      ])
      expect(() => provide(missing, { create: never })).toThrow('expected a class or a token')
    },
  )
})

describe('indexProviders', () => {
  it('reports what two providers make', () => {
    const twice = [provide(Db, { create: never }), provide(Db, { create: never })]
    expect(indexProviders(twice, []).problems).toEqual([
      { code: 'wiring.duplicate_provider', message: 'two providers make Db: remove one' },
    ])
  })

  it('lets an override take the place of a provider, so that what that one needed is not needed', () => {
    const store = provide(Store, { needs: [Db], create: never })
    const fake = provide(Store, { create: () => new Store() })
    const { byToken, problems } = indexProviders([store, provide(Db, { create: never })], [fake])
    expect(problems).toEqual([])
    expect(planProviders([root(() => inject(Store))], byToken).order).toEqual([fake])
  })
})
