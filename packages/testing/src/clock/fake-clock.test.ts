import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as timersSetTimeout } from 'node:timers'
import { scheduler, setInterval as everyTick, setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { fakeClock } from './fake-clock.ts'

const noon = '2026-01-01T12:00:00.000Z'

describe('time', () => {
  test('stands still until it is told to pass, on every clock alike', async () => {
    using clock = fakeClock({ now: noon })
    const startMs = performance.now()
    expect([new Date().toISOString(), Date.now(), clock.nowAt]).toEqual([noon, Date.parse(noon), Date.parse(noon)])
    await clock.advance(90_000)
    expect(performance.now() - startMs).toBe(90_000)
    expect(new Date().toISOString()).toBe('2026-01-01T12:01:30.000Z')
    expect(Date()).toBe(new Date(clock.nowAt).toString())
  })

  test('begins at the real time unless told otherwise', () => {
    const before = Date.now()
    using clock = fakeClock()
    expect(clock.nowAt).toBeGreaterThanOrEqual(before)
  })

  test('leaves dates that are not now as they are', () => {
    using _clock = fakeClock({ now: new Date(noon) })
    const date = new Date(2020, 0, 2)
    expect(date).toBeInstanceOf(Date)
    expect([date.getFullYear(), date.getDate(), Date.UTC(1970, 0), Date.parse(noon)]).toEqual([
      2020,
      2,
      0,
      Date.parse(noon),
    ])
    class Day extends Date {}
    expect(new Day()).toBeInstanceOf(Day)
    expect(new Day().toISOString()).toBe(noon)
  })
})

describe('timers', () => {
  test('run in order, each at its own time', async () => {
    using clock = fakeClock()
    const startAt = clock.nowAt
    const seen: string[] = []
    const note = (name: string) => seen.push(`${name} ${Date.now() - startAt}`)
    setTimeout(note, 30, 'late')
    setTimeout(note, 10, 'first')
    setTimeout(note, 10, 'second')
    timersSetTimeout(note, 20, 'of node:timers')
    const every = setInterval(note, 15, 'every')
    await clock.advance(30)
    clearInterval(every)
    await clock.advance(100)
    expect(seen).toEqual(['first 10', 'second 10', 'every 15', 'of node:timers 20', 'late 30', 'every 30'])
  })

  test('let what follows in promises go on before time does', async () => {
    using clock = fakeClock()
    const startAt = clock.nowAt
    const seen: string[] = []
    const retry = async () => {
      for (const delayMs of [100, 200, 400]) {
        await delay(delayMs)
        await Promise.resolve()
        seen.push(`tried at ${Date.now() - startAt}`)
      }
    }
    const retrying = retry()
    setTimeout(() => seen.push('between at 250'), 250)
    await clock.advance(700)
    await retrying
    expect(seen).toEqual(['tried at 100', 'between at 250', 'tried at 300', 'tried at 700'])
  })

  test('are cleared by what they returned, by its number, and across the modules', async () => {
    using clock = fakeClock()
    const never = () => expect.unreachable()
    clearTimeout(setTimeout(never, 1))
    clearInterval(Number(setTimeout(never, 1)))
    setInterval(never, 1).close()
    {
      using _timer = setTimeout(never, 1)
    }
    clearTimeout(undefined)
    await clock.advance(10)
  })

  test('that were set before still belong to the real clock, and can be cleared', async () => {
    const never = setTimeout(() => expect.unreachable(), 0)
    using clock = fakeClock()
    clearTimeout(never)
    await clock.advance(10)
  })

  test('can be refreshed and unreferenced', async () => {
    using clock = fakeClock()
    const seen: number[] = []
    const startAt = clock.nowAt
    const timer = setTimeout(() => seen.push(Date.now() - startAt), 10).unref()
    expect([timer.hasRef(), timer.ref().hasRef()]).toEqual([false, true])
    await clock.advance(5)
    timer.refresh()
    await clock.advance(20)
    expect(seen).toEqual([15])
  })

  test('take at least a millisecond, and never less than asked for', async () => {
    using clock = fakeClock()
    const startAt = clock.nowAt
    const seen: number[] = []
    for (const delayMs of [0, -1, Number.NaN, 2 ** 31, 1.5]) setTimeout(() => seen.push(Date.now() - startAt), delayMs)
    await clock.advance(2)
    expect(seen).toEqual([1, 1, 1, 1, 2])
  })

  test('run in the asynchronous context that set them', async () => {
    using clock = fakeClock()
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    storage.run('of the call', () => setTimeout(() => seen.push(storage.getStore()), 1))
    await storage.run('of the test', () => clock.advance(1))
    expect(seen).toEqual(['of the call'])
  })

  test('that throw fail the advance', async () => {
    using clock = fakeClock()
    setTimeout(() => {
      throw new Error('lost')
    }, 1)
    await expect(clock.advance(1)).rejects.toThrow('lost')
    await clock.advance(1)
  })

  test('want a function', () => {
    using _clock = fakeClock()
    expect(() => Reflect.apply(setTimeout, undefined, [{}])).toThrow(TypeError)
  })
})

describe('promises of time', () => {
  test('of node:timers/promises, of util.promisify and of the scheduler resolve with it', async () => {
    using clock = fakeClock()
    const values = Promise.all([delay(10, 'a'), promisify(setTimeout)(20, 'b'), scheduler.wait(30)])
    await clock.advance(30)
    expect(await values).toEqual(['a', 'b', undefined])
  })

  test('are given up when their signal fires', async () => {
    using clock = fakeClock()
    const ending = new AbortController()
    const waiting = delay(10, undefined, { signal: ending.signal, ref: false })
    ending.abort(new Error('enough'))
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: new Error('enough') })
    await expect(delay(10, undefined, { signal: ending.signal })).rejects.toMatchObject({ name: 'AbortError' })
    await clock.advance(10)
  })

  test('come again and again from an interval, also those that nobody has waited for', async () => {
    using clock = fakeClock()
    const ticks = everyTick(10, 'tick')[Symbol.asyncIterator]()
    const first = ticks.next()
    await clock.advance(25)
    expect([await first, await ticks.next()]).toMatchObject([{ value: 'tick' }, { value: 'tick' }])
    await ticks.return?.()
    const ending = new AbortController()
    const ended = everyTick(10, 'tick', { signal: ending.signal })[Symbol.asyncIterator]().next()
    ending.abort()
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('abort signals with it', async () => {
    using clock = fakeClock()
    const signal = AbortSignal.timeout(1_000)
    await clock.advance(999)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  test('of eventually() are real all the same', async () => {
    using _clock = fakeClock()
    let tries = 0
    await eventually(() => expect(++tries).toBe(3), { intervalMs: 0 })
    await expect(eventually(() => expect.unreachable(), { timeoutMs: 0 })).rejects.toThrow()
  })
})

describe('advance', () => {
  test('refuses what is no time, and to be called twice at once', async () => {
    using clock = fakeClock()
    for (const durationMs of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(clock.advance(durationMs)).rejects.toThrow('advance: expected milliseconds from 0')
    const advancing = clock.advance(1)
    await expect(clock.advance(1)).rejects.toThrow('await the advance before')
    await advancing
  })
})

describe('the clock', () => {
  test('is put back when it is disposed, and is not fake twice', () => {
    const before = [setTimeout, clearTimeout, setInterval, Date, performance.now, AbortSignal.timeout, delay]
    const clock = fakeClock()
    expect(() => fakeClock()).toThrow('there is one already')
    clock[Symbol.dispose]()
    clock[Symbol.dispose]()
    expect([setTimeout, clearTimeout, setInterval, Date, performance.now, AbortSignal.timeout, delay]).toEqual(before)
    expect(Object.hasOwn(performance, 'now')).toBe(false)
    fakeClock()[Symbol.dispose]()
  })

  test('cannot be moved when it was disposed', async () => {
    const clock = fakeClock()
    clock[Symbol.dispose]()
    await expect(clock.advance(1)).rejects.toThrow('disposed')
  })

  test('does what the real one does for code that has kept its functions', async () => {
    const clock = fakeClock()
    const kept = { setTimeout, delay, now: Date.now, performanceNow: performance.now, timeout: AbortSignal.timeout }
    setTimeout(() => expect.unreachable(), 0)
    clock[Symbol.dispose]()
    await new Promise((resolve) => kept.setTimeout(resolve, 1))
    await kept.delay(1)
    expect(Math.abs(kept.now() - Date.now())).toBeLessThan(60_000)
    expect(Math.abs(kept.performanceNow() - performance.now())).toBeLessThan(60_000)
    const signal = kept.timeout(1)
    await eventually(() => expect(signal.aborted).toBe(true))
  })

  test('passes by itself when it is let flow', async () => {
    using clock = fakeClock({ now: noon })
    const ended = new Promise((resolve) => setTimeout(resolve, 3))
    {
      await using _flow = clock.flow()
      await clock.flow()[Symbol.asyncDispose]()
      await expect(clock.advance(1)).rejects.toThrow('passes by itself')
      await ended
    }
    expect(clock.nowAt).toBeGreaterThanOrEqual(Date.parse(noon) + 3)
    const { nowAt } = clock
    await clock.advance(1)
    expect(clock.nowAt).toBe(nowAt + 1)
  })

  test('refuses a time that is none', () => {
    expect(() => fakeClock({ now: 'noon' })).toThrow('now: expected a date or epoch milliseconds, found noon')
  })

  test('and vi.useFakeTimers() are one too many, whichever comes first', () => {
    vi.useFakeTimers()
    expect(() => fakeClock()).toThrow('vi.useFakeTimers()')
    vi.useRealTimers()
    const clock = fakeClock()
    vi.useFakeTimers()
    expect(() => clock[Symbol.dispose]()).toThrow('setTimeout')
    vi.useRealTimers()
  })
})
