import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReleaseList } from './release-list.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = () => new Promise<never>(() => undefined)

describe('ReleaseList', () => {
  it('lets one that hangs keep none of the others from it, nor its time', async () => {
    const log: string[] = []
    const startedAt = Date.now()
    const list = new ReleaseList()
    list.add({ name: 'first', value: 1, dispose: () => void log.push(`first at ${Date.now() - startedAt}`) })
    list.add({ name: 'hangs', value: 2, dispose: never })
    list.add({
      name: 'quick',
      value: 3,
      dispose: () => new Promise<void>((resolve) => setTimeout(resolve, 100)),
    })
    list.add({ name: 'hangs too', value: 4, dispose: never })
    const released = list.release(4_000)
    await vi.runAllTimersAsync()
    expect((await released).map(({ message }) => message)).toEqual([
      'hangs too could not be disposed: no end within 1000 ms',
      // The time that the quick one left is for all after it.
      'hangs could not be disposed: no end within 1450 ms',
    ])
    expect(log).toEqual(['first at 2550'])
  })

  it('tells one that its time is nearly over', async () => {
    const list = new ReleaseList()
    const told: number[] = []
    const startedAt = Date.now()
    list.add({
      name: 'flushes',
      value: 1,
      dispose: (_value, signal) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            told.push(Date.now() - startedAt)
            resolve()
          })
        }),
    })
    const released = list.release(1_000)
    await vi.runAllTimersAsync()
    expect(await released).toEqual([])
    expect(told).toEqual([900])
  })

  it('begins all although there is no time', async () => {
    const log: string[] = []
    const list = new ReleaseList()
    for (const name of ['a', 'b']) list.add({ name, value: name, dispose: () => void log.push(name) })
    const released = list.release(0)
    await vi.runAllTimersAsync()
    await released
    expect(log).toEqual(['b', 'a'])
  })

  it.each<readonly [string, (() => string) | undefined, (() => string) | undefined, readonly string[]]>([
    ['the first function given for it', () => 'first', () => 'second', ['first']],
    ['the only function given for it', undefined, () => 'second', ['second']],
    ['its own', undefined, undefined, ['own']],
  ])('releases an object that is added twice once, by %s', async (_name, first, second, expected) => {
    const log: string[] = []
    const value = { [Symbol.dispose]: () => void log.push('own') }
    const list = new ReleaseList()
    list.add({ name: 'one', value, dispose: first && (() => void log.push(first())) })
    list.add({ name: 'user', value: {}, dispose: () => undefined })
    list.add({ name: 'alias', value, dispose: second && (() => void log.push(second())) })
    await list.release(1_000)
    list.add({ name: 'late alias', value, dispose: () => void log.push('again') })
    await list.release(1_000)
    expect(log).toEqual(expected)
  })

  it('takes equal values that are no objects for different ones', async () => {
    const dispose = vi.fn()
    const list = new ReleaseList()
    for (const name of ['a', 'b']) list.add({ name, value: 'same', dispose })
    await list.release(1_000)
    expect(dispose).toHaveBeenCalledTimes(2)
  })
})
