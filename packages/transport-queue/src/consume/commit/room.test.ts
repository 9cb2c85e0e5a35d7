import { getEventListeners } from 'node:events'
import { expect, it, onTestFinished, vi } from 'vitest'
import { logInto } from '../../queue-transport.test-harness.ts'
import { Room, type RoomOptions } from './room.ts'

/** A room that is full until a test says otherwise. */
function full(options: Partial<RoomOptions> = {}) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const state = { isFull: true, awaitedCount: 0, stillCount: 0 }
  const given = new AbortController()
  const told: unknown[] = []
  const room = new Room({
    revoked: given.signal,
    log: logInto(told),
    isFull: () => state.isFull,
    letGo: () => false,
    awaited: () => (state.awaitedCount += 1),
    stoodStill: () => (state.stillCount += 1),
    cause: () => ({ facts: { oldest: 7 }, text: 'its oldest message' }),
    ...options,
  })
  return { room, state, given, told }
}

it('waits until there is some, however often it is looked at, and leaves nothing behind', async () => {
  const { room, state, given } = full()
  const waiting = room.untilSome()
  room.look()
  await vi.advanceTimersByTimeAsync(0)
  expect([room.isAwaited, state.awaitedCount]).toEqual([true, 2])
  state.isFull = false
  room.look()
  await waiting
  expect([room.isAwaited, vi.getTimerCount(), getEventListeners(given.signal, 'abort')]).toEqual([false, 0, []])
})

it('tells that it stands still after a second, and the log why after ten, until there is some', async () => {
  const { room, state, told } = full()
  const waiting = room.untilSome()
  await vi.advanceTimersByTimeAsync(999)
  expect([room.isStill, state.stillCount]).toEqual([false, 0])
  await vi.advanceTimersByTimeAsync(1)
  expect([room.isStill, state.stillCount, room.hindrance]).toEqual([true, 1, undefined])
  await vi.advanceTimersByTimeAsync(9_000)
  const what = 'stands still until there is room in maxUncommittedCount, for its oldest message'
  expect([room.hindrance, told]).toEqual([`it ${what}`, [['warn', { oldest: 7 }, `the partition ${what}`]]])
  state.isFull = false
  room.look()
  await waiting
  expect([room.isStill, room.hindrance]).toEqual([false, undefined])
})

it('is not waited for where something can be let go of', async () => {
  const { room, state } = full({ letGo: () => !(state.isFull = false) })
  await room.untilSome()
  expect([room.isAwaited, state.awaitedCount, vi.getTimerCount()]).toEqual([false, 0, 0])
})

it('is waited for no longer once the partition is given up', async () => {
  const { room, given } = full()
  const waiting = room.untilSome()
  given.abort()
  await waiting
  expect([room.isAwaited, vi.getTimerCount()]).toEqual([false, 0])
})

it('tells of no standstill after its wait has failed', async () => {
  const broken = new Error('broken')
  const { room, told } = full({
    awaited: () => {
      throw broken
    },
  })
  await expect(room.untilSome()).rejects.toBe(broken)
  expect([room.isAwaited, vi.getTimerCount()]).toEqual([false, 0])
  await vi.advanceTimersByTimeAsync(10_000)
  expect([room.hindrance, told]).toEqual([undefined, []])
})
