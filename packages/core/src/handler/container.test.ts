import { describe, expect, it } from 'vitest'
import { WiringError } from '../error/setup-error.ts'
import { Container } from './container.ts'
import { inject } from './inject.ts'
import { type Provider, provide, type Token, token } from './provider.ts'
import { indexProviders, planProviders } from './provider-graph.ts'

/** A container for a root that injects the tokens, over the providers. */
function containerFor(tokens: readonly Token[], ...providers: readonly Provider[]) {
  const construct = () => tokens.map((of) => inject(of))
  const plan = planProviders([{ name: 'Root', construct }], indexProviders(providers, []).byToken)
  const container = new Container(plan)
  return { container, construct: () => container.construct('Root', construct) }
}

class Db {
  isOpen = true
}
class Store {
  readonly db: Db | undefined
  constructor(db?: Db) {
    this.db = db
  }
}
const a = token<string>('a')
const b = token<string>('b')
const c = token<string>('c')

describe('create', () => {
  it('hands each provider what it needs, in its order', async () => {
    const { container, construct } = containerFor(
      [c],
      provide(a, { create: () => 'a' }),
      provide(b, { create: async () => 'b' }),
      provide(c, { needs: [b, a], create: (first, second) => `${first}${second}c` }),
    )
    await container.create()
    expect(construct()).toEqual(['bac'])
  })

  it('creates side by side what does not wait for another', async () => {
    const first = Promise.withResolvers<string>()
    const secondBegan = Promise.withResolvers<void>()
    const { container, construct } = containerFor(
      [a, b],
      provide(a, { create: () => first.promise }),
      provide(b, {
        create: () => {
          secondBegan.resolve()
          return 'b'
        },
      }),
    )
    const created = container.create()
    await secondBegan.promise
    first.resolve('a')
    await created
    expect(construct()).toEqual(['a', 'b'])
  })

  it('names all that failed, begins nothing more, and keeps what was created for disposal', async () => {
    const log: string[] = []
    const cause = new Error('no route to host')
    const { container } = containerFor(
      [a, b, c],
      provide(a, { create: () => 'a', dispose: () => void log.push('dispose a') }),
      provide(b, { create: () => Promise.reject(cause) }),
      provide(c, {
        needs: [b],
        create: () => {
          log.push('create c')
          return 'c'
        },
      }),
    )
    await expect(container.create()).rejects.toMatchObject({
      problems: [{ code: 'wiring.create_failed', message: 'b could not be created: no route to host' }],
      cause,
    })
    await container.dispose()
    expect(log).toEqual(['dispose a'])
  })

  it('waits for what is still being created when something fails, so that it is disposed too', async () => {
    const slow = Promise.withResolvers<string>()
    const log: string[] = []
    const { container } = containerFor(
      [a, b],
      provide(a, { create: () => slow.promise, dispose: (value) => void log.push(`dispose ${value}`) }),
      provide(b, {
        create: () => {
          throw 'a text' // oxlint-disable-line typescript/only-throw-error -- users may
        },
      }),
    )
    const created = container.create().catch((error: Error) => error.message)
    slow.resolve('late')
    expect(await created).toBe('b could not be created: a text [wiring.create_failed]')
    await container.dispose()
    expect(log).toEqual(['dispose late'])
  })
})

describe('construct', () => {
  it('constructs a class without a provider when it is first injected, once', async () => {
    class Clock {
      readonly db = inject(Db)
    }
    const { container, construct } = containerFor([Clock, Clock], provide(Db, { create: () => new Db() }))
    await container.create()
    const [first, second] = construct()
    expect(first).toBeInstanceOf(Clock)
    expect(first).toBe(second)
    expect(construct()[0]).toBe(first)
  })

  it('shows the chain that asked for what nothing provides', () => {
    class Outer {
      readonly a = inject(a)
    }
    expect(() => containerFor([Outer]).construct()).toThrow(
      "nothing provides a, asked for by Root → Outer: add provide(a, …) to the service's providers [wiring.missing_provider]",
    )
  })

  it('shows a circle of classes with its full path', () => {
    class One {
      readonly other: unknown = inject(Two)
    }
    class Two {
      readonly one: unknown = inject(One)
    }
    expect(() => containerFor([One]).construct()).toThrow(
      'classes inject one another in a circle: Root → One → Two → One [wiring.cycle]',
    )
  })

  it('refuses what is provided but was hidden behind a condition, instead of constructing the bare class', async () => {
    let isReal = false
    const providers = indexProviders([provide(Store, { create: () => new Store(new Db()) })], [])
    const construct = () => (isReal ? inject(Store) : undefined)
    const container = new Container(planProviders([{ name: 'Root', construct }], providers.byToken))
    await container.create()
    isReal = true
    expect(() => container.construct('Root', construct)).toThrow(
      'Store, asked for by Root, was not created: it is injected under a condition, or after a constructor failed with placeholders; inject it in a field, before anything else [wiring.hidden_injection]',
    )
  })

  it('names the handler whose constructor failed', () => {
    const { container } = containerFor([])
    const cause = new TypeError('x is not a function')
    const fail = () => {
      throw cause
    }
    expect(() => container.construct('UserHandler', fail)).toThrow(
      new WiringError([
        { code: 'wiring.create_failed', message: 'UserHandler could not be created: x is not a function' },
      ]),
    )
  })

  it('answers inject() nowhere else', () => {
    const { container } = containerFor([])
    const outside =
      'inject(Db) was called outside the construction of a handler: call it in a field or the constructor [wiring.outside_construction]'
    expect(() => inject(Db)).toThrow(outside)
    container.construct('Root', () => undefined)
    expect(() => inject(Db)).toThrow(outside)
    expect(() => container.construct('Root', () => inject(token('x')))).toThrow('nothing provides x')
    expect(() => inject(class {})).toThrow('inject((anonymous class))')
  })
})

describe('dispose', () => {
  it('releases in reverse order of creation, by function, Symbol.asyncDispose or Symbol.dispose', async () => {
    const log: string[] = []
    class Lazy {
      async [Symbol.asyncDispose]() {
        log.push('lazy')
      }
    }
    const { container, construct } = containerFor(
      [a, Db, Store, Lazy, b],
      provide(a, { create: () => 'a', dispose: async (value) => void log.push(value) }),
      provide(Db, { needs: [a], create: () => Object.assign(new Db(), { [Symbol.dispose]: () => log.push('db') }) }),
      provide(Store, {
        needs: [Db],
        create: (db) => Object.assign(new Store(db), { [Symbol.asyncDispose]: async () => log.push('store') }),
      }),
      provide(b, { needs: [Store], create: () => 'nothing to release' }),
    )
    await container.create()
    construct()
    expect(await container.dispose()).toEqual([])
    expect(log).toEqual(['lazy', 'store', 'db', 'a'])
  })

  it('prefers the explicit function to what the value itself has', async () => {
    const log: string[] = []
    const { container } = containerFor(
      [Db],
      provide(Db, {
        create: () => Object.assign(new Db(), { [Symbol.dispose]: () => log.push('own') }),
        dispose: () => void log.push('explicit'),
      }),
    )
    await container.create()
    await container.dispose()
    expect(log).toEqual(['explicit'])
  })

  it('goes on after a failure and gathers what failed', async () => {
    const log: string[] = []
    const failure = new Error('broken pipe')
    const { container } = containerFor(
      [a, b, c],
      provide(a, { create: () => 'a', dispose: () => void log.push('a') }),
      provide(b, { needs: [a], create: () => 'b', dispose: () => Promise.reject(failure) }),
      provide(c, {
        needs: [b],
        create: () => 'c',
        dispose: () => {
          throw failure
        },
      }),
    )
    await container.create()
    const failures = await container.dispose()
    expect(failures.map(({ message, cause }) => [message, cause])).toEqual([
      ['c could not be disposed', failure],
      ['b could not be disposed', failure],
    ])
    expect(log).toEqual(['a'])
    expect(await container.dispose()).toEqual([])
  })
})

describe('provided', () => {
  it('lists what was created with its checks', async () => {
    const seen: unknown[] = []
    const { signal } = new AbortController()
    const { container } = containerFor(
      [a, b],
      provide(a, { create: () => 'a', check: (value, given) => void seen.push(value, given) }),
      provide(b, { needs: [a], create: () => 'b' }),
    )
    await container.create()
    expect(container.provided.map(({ name, check }) => [name, check !== undefined])).toEqual([
      ['a', true],
      ['b', false],
    ])
    container.provided[0]?.check?.(signal)
    expect(seen).toEqual(['a', signal])
  })
})
