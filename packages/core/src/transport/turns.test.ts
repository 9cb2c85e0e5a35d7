import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

const { signal } = new AbortController()

function gate() {
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const work = async () => {
    begun.resolve()
    await end.promise
  }
  return { work, begun: begun.promise, end: () => end.resolve() }
}

it('does one piece of work after the other, and the next where one failed', async () => {
  const turns = new Turns()
  const [first, done] = [gate(), [] as string[]]
  const failing = turns.take(async () => {
    await first.work()
    done.push('first')
    throw new Error('broken')
  }, signal)
  const second = turns.take(async () => done.push('second'), signal)
  await first.begun
  expect(done).toEqual([])
  first.end()
  await expect(failing).rejects.toThrow('broken')
  await expect(second).resolves.toBe(2)
  expect(done).toEqual(['first', 'second'])
})

it('lets go who waits when the signal fires, and never begins that work', async () => {
  const turns = new Turns()
  const first = gate()
  const holding = turns.take(first.work, signal)
  const stop = new AbortController()
  let isBegun = false
  const waiting = turns.take(async () => void (isBegun = true), stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  first.end()
  await holding
  await turns.take(async () => undefined, signal)
  expect(isBegun).toBe(false)
})

it('lets go who gave up work that is under way, and begins nothing before that has ended', async () => {
  const turns = new Turns()
  const first = gate()
  const stop = new AbortController()
  const given = turns.take(first.work, stop.signal)
  await first.begun
  let isBegun = false
  const next = turns.take(async () => void (isBegun = true), signal)
  stop.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  expect(isBegun).toBe(false)
  first.end()
  await next
  expect(isBegun).toBe(true)
})
