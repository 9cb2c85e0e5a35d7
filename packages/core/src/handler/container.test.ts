import { afterEach, describe, expect, it, vi } from 'vitest'
import { WiringError } from '../error/setup-error.ts'
import { Container } from './container.ts'
import { inject } from './inject.ts'
import { type Provider, provide, type Token, token } from './provider.ts'
import { indexProviders, planProviders } from './provider-graph.ts'

const { signal: unending } = new AbortController()

afterEach(() => void vi.useRealTimers())

/** A container for a root that injects the tokens, over the providers. */
function containerFor(tokens: readonly Token[], ...providers: readonly Provider[]) {
  const construct = () => tokens.map((of) => inject(of))
  const plan = planProviders([{ name: 'Root', construct }], indexProviders(providers, []).byToken)
  const lateFailures: string[] = []
  const container = new Container(plan, { onLateFailure: (message) => lateFailures.push(message) })
  return {
    lateFailures,
    container,
    construct: () => container.construct('Root', construct),
  }
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
    await container.create(unending)
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
    const created = container.create(unending)
    await secondBegan.promise
    first.resolve('a')
    await created
    expect(construct()).toEqual(['a', 'b'])
  })

  it('rejects at the first failure, begins nothing more, and keeps what was created for disposal', async () => {
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
    await expect(container.create(unending)).rejects.toMatchObject({
      problems: [{ code: 'wiring.create_failed', message: 'b could not be created: no route to host' }],
      cause,
    })
    await container.dispose(1_000)
    expect(log).toEqual(['dispose a'])
  })

  it('tells of a failure although another creation hangs, and tells that one to give up', async () => {
    let told: AbortSignal | undefined
    const { container, lateFailures } = containerFor(
      [a, b],
      provide(a, {
        create: ({ signal }) => {
          told = signal
          return new Promise<string>((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          )
        },
      }),
      provide(b, {
        create: () => {
          throw 'a text' // oxlint-disable-line typescript/only-throw-error -- users may
        },
      }),
    )
    const error = await container.create(unending).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ message: 'b could not be created: a text [wiring.create_failed]' })
    expect(told?.reason).toBe(error)
    expect(await container.dispose(1_000)).toEqual([])
    expect(lateFailures).toEqual([])
  })

  it('tells what fails after another did, unless that is the answer to giving up', async () => {
    const failing = Promise.withResolvers<string>()
    const { container, lateFailures } = containerFor(
      [a, b, c],
      provide(a, { create: () => failing.promise }),
      provide(b, { create: () => Promise.reject(new Error('first')) }),
      provide(c, {
        create: ({ signal }) =>
          new Promise<string>((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('aborted', { cause: signal.reason }))),
          ),
      }),
    )
    await expect(container.create(unending)).rejects.toThrow('b could not be created: first')
    failing.reject(new Error('second'))
    expect(await container.dispose(1_000)).toEqual([])
    expect(lateFailures).toEqual(['a could not be created: second'])
  })

  it('ends with the reason of the signal, when what is under way has ended', async () => {
    const stop = new AbortController()
    const reason = new Error('asked to stop')
    const [begun, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const log: string[] = []
    const { container } = containerFor(
      [a, b],
      provide(a, {
        create: () => {
          begun.resolve()
          return slow.promise
        },
        dispose: (value) => void log.push(`dispose ${value}`),
      }),
      provide(b, {
        needs: [a],
        create: () => {
          log.push('create b')
          return 'b'
        },
      }),
    )
    const created = container.create(stop.signal).catch((error: unknown) => error)
    await begun.promise
    stop.abort(reason)
    slow.resolve('a')
    expect(await created).toBe(reason)
    await container.dispose(1_000)
    expect(log).toEqual(['dispose a'])
    await expect(containerFor([a], provide(a, { create: () => 'a' })).container.create(stop.signal)).rejects.toBe(
      reason,
    )
  })

  it('waits a moment, at its end, for what is still being created, and releases what comes even later at once', async () => {
    vi.useFakeTimers()
    const [soon, late] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const log: string[] = []
    const lateDisposal = Promise.withResolvers<void>()
    const { container, lateFailures } = containerFor(
      [a, b, c],
      provide(a, { create: () => soon.promise, dispose: (value) => void log.push(`dispose ${value}`) }),
      provide(b, { create: () => Promise.reject(new Error('broken')) }),
      provide(c, {
        create: () => late.promise,
        dispose: (value) => {
          log.push(`dispose ${value}`)
          lateDisposal.resolve()
          throw new Error('and cannot be closed')
        },
      }),
    )
    await expect(container.create(unending)).rejects.toThrow('broken')
    const disposed = container.dispose(10_000)
    soon.resolve('soon')
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await disposed).map(({ message }) => message)).toEqual(['c is still being created'])
    expect(log).toEqual(['dispose soon'])
    late.resolve('late')
    await lateDisposal.promise
    await vi.runAllTimersAsync()
    expect(log).toEqual(['dispose soon', 'dispose late'])
    expect(lateFailures).toEqual(['c could not be disposed: and cannot be closed'])
  })
})

describe('construct', () => {
  it('constructs a class without a provider when it is first injected, once', async () => {
    class Clock {
      readonly db = inject(Db)
    }
    const { container, construct } = containerFor([Clock, Clock], provide(Db, { create: () => new Db() }))
    await container.create(unending)
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
    const container = new Container(planProviders([{ name: 'Root', construct }], providers.byToken), {
      onLateFailure: vi.fn(),
    })
    await container.create(unending)
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
    await container.create(unending)
    construct()
    expect(await container.dispose(1_000)).toEqual([])
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
    await container.create(unending)
    await container.dispose(1_000)
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
    await container.create(unending)
    const failures = await container.dispose(1_000)
    expect(failures.map(({ message, cause }) => [message, cause])).toEqual([
      ['c could not be disposed: broken pipe', failure],
      ['b could not be disposed: broken pipe', failure],
    ])
    expect(log).toEqual(['a'])
    expect(await container.dispose(1_000)).toEqual([])
  })

  it('releases an object behind two tokens once, after all that was made with it', async () => {
    const log: string[] = []
    const db = Object.assign(new Db(), { [Symbol.dispose]: () => void log.push('db') })
    const reader = token<Db>('reader')
    const { container, construct } = containerFor(
      [Db, a, reader],
      provide(Db, { create: () => db, check: () => 'db' }),
      provide(a, { needs: [Db], create: () => 'a', dispose: () => void log.push('a') }),
      provide(reader, { needs: [Db, a], create: (given) => given, check: () => 'reader' }),
    )
    await container.create(unending)
    expect(construct()).toEqual([db, 'a', db])
    expect(container.provided.map(({ name, check }) => [name, check?.(unending)])).toEqual([
      ['Db', 'db'],
      ['a', undefined],
      ['reader', 'reader'],
    ])
    await container.dispose(1_000)
    expect(log).toEqual(['a', 'db'])
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
    await container.create(unending)
    expect(container.provided.map(({ name, check }) => [name, check !== undefined])).toEqual([
      ['a', true],
      ['b', false],
    ])
    container.provided[0]?.check?.(signal)
    expect(seen).toEqual(['a', signal])
  })
})
