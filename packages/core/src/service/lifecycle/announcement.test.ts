import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AnnounceOptions, Instance, InstanceChange, Registration } from '../../registry/registry.ts'
import { takenOver } from '../../registry/taken-over.ts'
import type { Logger } from '../../telemetry/log.ts'
import { Announcement } from './announcement.ts'

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const instance: Instance = { id: 'note-1', name: 'note', version: '1.0.0', endpoints: [] }
const never = () => new Promise<never>(() => undefined)

beforeEach(() => {
  vi.useFakeTimers()
  vi.clearAllMocks()
})
afterEach(() => void vi.useRealTimers())

/** An announcement in a registry that answers each try with the next of the answers, the last one for good. */
function announcing(...answers: readonly (() => Promise<Registration>)[]) {
  const stop = new AbortController()
  const startedAt = Date.now()
  const triedAtMs: number[] = []
  const announce = vi.fn((_instance: Instance, _options: AnnounceOptions) => {
    triedAtMs.push(Date.now() - startedAt)
    const answer = answers[Math.min(triedAtMs.length, answers.length) - 1]
    return answer ? answer() : never()
  })
  const random = vi.fn(() => 0)
  const announcement = new Announcement({ registrar: { announce }, instance, stop: stop.signal, log, random })
  return { announcement, stop, announce, triedAtMs, random }
}

/** A place in a registry that can be lost. */
function registered() {
  const lost = new AbortController()
  const withdraw = vi.fn(async () => undefined)
  const update = vi.fn(async (_change: InstanceChange) => undefined)
  const registration: Registration = { lost: lost.signal, update, withdraw }
  const lose = (reason = new Error('the session expired')) => lost.abort(reason)
  return { answer: async () => registration, lose, update, withdraw, lost }
}

const refused = () => Promise.reject(new Error('refused'))

describe('begin', () => {
  it('announces the instance, to be withdrawn with the signal given', async () => {
    const place = registered()
    const { announcement, announce, stop } = announcing(place.answer)
    expect(announcement.isBegun).toBe(false)
    await announcement.begin()
    expect(announcement.isBegun).toBe(true)
    expect(announce).toHaveBeenCalledExactlyOnceWith(instance, {
      signal: stop.signal,
      onTrouble: expect.any(Function),
    })
    stop.abort()
    const { signal } = new AbortController()
    await announcement.withdraw(signal)
    expect(place.withdraw).toHaveBeenCalledExactlyOnceWith({ signal })
  })

  it('rejects when the registry refuses, and says that it was the registry', async () => {
    await expect(announcing(refused).announcement.begin()).rejects.toThrow(
      'the registry did not take the instance: refused [service.announce_failed]',
    )
  })

  it('waits no longer than until the service is asked to stop, and does not begin after it', async () => {
    const { announcement, stop, announce } = announcing(never)
    const begun = announcement.begin()
    stop.abort()
    await begun
    await announcement.begin()
    expect(announce).toHaveBeenCalledTimes(1)
    const heeding = announcing(
      () => new Promise((_resolve, reject) => heeding.stop.signal.addEventListener('abort', () => reject(new Error()))),
    )
    const ended = heeding.announcement.begin()
    heeding.stop.abort()
    await ended
  })
})

describe('persist', () => {
  it('tries at once, then after a second, twice as long after each failure, half a minute at most', async () => {
    const place = registered()
    const { announcement, triedAtMs } = announcing(...Array.from({ length: 8 }, () => refused), place.answer)
    const persisted = announcement.persist()
    await vi.runAllTimersAsync()
    await persisted
    const waits = triedAtMs.map((at, index) => at - (triedAtMs[index - 1] ?? 0))
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(log.error).toHaveBeenCalledTimes(8)
    expect(log.error).toHaveBeenLastCalledWith(
      { err: expect.objectContaining({ message: 'refused' }), retryDelayMs: 30_000 },
      'the registry does not take the instance; tried again',
    )
  })

  it('spreads the tries of many instances by waiting up to half as long', async () => {
    const { announcement, triedAtMs, random } = announcing(refused, registered().answer)
    random.mockReturnValue(0.5)
    const persisted = announcement.persist()
    await vi.runAllTimersAsync()
    await persisted
    expect(triedAtMs).toEqual([0, 750])
  })

  it('ends when the service is asked to stop, while it waits and while it tries', async () => {
    for (const answer of [refused, never]) {
      const { announcement, stop, announce } = announcing(answer)
      const persisted = announcement.persist()
      await vi.advanceTimersByTimeAsync(500)
      stop.abort()
      await persisted
      await vi.runAllTimersAsync()
      expect(announce).toHaveBeenCalledTimes(1)
      expect(vi.getTimerCount()).toBe(0)
    }
  })
})

describe('an instance that the registry has lost', () => {
  it('is logged and announced again, and withdrawn where it is announced now', async () => {
    const [first, second] = [registered(), registered()]
    const { announcement, triedAtMs, stop } = announcing(first.answer, refused, second.answer)
    await announcement.begin()
    first.lose()
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { err: expect.objectContaining({ message: 'the session expired' }) },
      'the registry has lost the instance; it is announced again',
    )
    await vi.runAllTimersAsync()
    expect(triedAtMs).toEqual([0, 1_000, 2_000])
    stop.abort()
    await announcement.withdraw(new AbortController().signal)
    expect(first.withdraw).not.toHaveBeenCalled()
    expect(second.withdraw).toHaveBeenCalledTimes(1)
  })

  it('is announced again as often as that happens, also when it is lost before it is told', async () => {
    const [lostEarly, second, third] = [registered(), registered(), registered()]
    lostEarly.lose()
    const { announcement, announce } = announcing(lostEarly.answer, second.answer, third.answer)
    await announcement.begin()
    await vi.runAllTimersAsync()
    second.lose()
    await vi.runAllTimersAsync()
    expect(announce).toHaveBeenCalledTimes(3)
  })

  it('is not announced again where another process has taken its id, and that is told', async () => {
    const place = registered()
    const { announcement, announce, stop } = announcing(place.answer)
    await announcement.begin()
    place.lose(takenOver('note-1'))
    await vi.runAllTimersAsync()
    expect(announce).toHaveBeenCalledTimes(1)
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { err: expect.objectContaining({ code: 'service.taken_over' }) },
      'another process has announced this instance; this one is not announced any more',
    )
    stop.abort()
    await announcement.withdraw(new AbortController().signal)
    expect(place.withdraw).not.toHaveBeenCalled()
  })

  it('is let go once the service is asked to stop', async () => {
    const place = registered()
    const { announcement, stop, announce } = announcing(place.answer)
    await announcement.begin()
    stop.abort()
    place.lose()
    await vi.runAllTimersAsync()
    expect(announce).toHaveBeenCalledTimes(1)
    expect(log.error).not.toHaveBeenCalled()
  })
})

describe('setHealth', () => {
  const told = ({ update }: ReturnType<typeof registered>) => update.mock.calls.map(([change]) => change)

  it('tells the registry of every change, the newest last, and of none twice', async () => {
    const place = registered()
    const { announcement } = announcing(place.answer)
    await announcement.begin()
    announcement.setHealth('serving')
    expect(told(place)).toEqual([])
    announcement.setHealth('not_serving')
    announcement.setHealth('serving')
    announcement.setHealth('not_serving')
    await vi.runAllTimersAsync()
    expect(told(place)).toEqual([{ health: 'not_serving' }, { health: 'not_serving' }])
    announcement.setHealth('serving')
    await vi.runAllTimersAsync()
    expect(told(place).at(-1)).toEqual({ health: 'serving' })
  })

  it('is what is announced later, and told where it changed while the instance was announced', async () => {
    const place = registered()
    const answered = Promise.withResolvers<Registration>()
    const { announcement, announce } = announcing(() => answered.promise)
    announcement.setHealth('not_serving')
    const begun = announcement.begin()
    expect(announce.mock.calls[0]?.[0]).toEqual({ ...instance, health: 'not_serving' })
    announcement.setHealth('serving')
    answered.resolve(await place.answer())
    await begun
    await vi.runAllTimersAsync()
    expect(told(place)).toEqual([{ health: 'serving' }])
  })

  it('logs what the registry refuses, and harms nobody', async () => {
    const place = registered()
    place.update.mockRejectedValue(new Error('no leader'))
    const { announcement, stop } = announcing(place.answer)
    await announcement.begin()
    announcement.setHealth('not_serving')
    await vi.runAllTimersAsync()
    expect(log.warn).toHaveBeenCalledExactlyOnceWith(
      { err: expect.objectContaining({ message: 'no leader' }), health: 'not_serving' },
      'the registry could not be told of the change',
    )
    stop.abort()
    announcement.setHealth('serving')
    await vi.runAllTimersAsync()
    expect(place.update).toHaveBeenCalledTimes(1)
  })
})

describe('trouble with renewals', () => {
  it('is told aloud once for each outage', async () => {
    const { announcement, announce } = announcing(registered().answer)
    await announcement.begin()
    const onTrouble = announce.mock.calls[0]?.[1].onTrouble ?? expect.unreachable()
    for (const _try of [1, 2, 3]) onTrouble(new Error('refused'))
    expect(log.warn).toHaveBeenCalledTimes(1)
    expect(log.debug).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(61_000)
    onTrouble(new Error('refused'))
    expect(log.warn).toHaveBeenCalledTimes(2)
  })
})

describe('withdraw', () => {
  it('waits for a try that is under way, and withdraws what it brings', async () => {
    const place = registered()
    const answered = Promise.withResolvers<Registration>()
    const { announcement, stop } = announcing(() => answered.promise)
    const begun = announcement.begin()
    stop.abort()
    await begun
    const withdrawn = announcement.withdraw(new AbortController().signal)
    answered.resolve(await place.answer())
    await withdrawn
    expect(place.withdraw).toHaveBeenCalledTimes(1)
  })

  it('waits no longer than its signal says, but withdraws what comes later all the same', async () => {
    const place = registered()
    place.withdraw.mockRejectedValue(new Error('no leader'))
    const answered = Promise.withResolvers<Registration>()
    const { announcement, stop } = announcing(() => answered.promise)
    const begun = announcement.begin()
    stop.abort()
    await begun
    const over = new AbortController()
    const withdrawn = announcement.withdraw(over.signal)
    over.abort()
    await withdrawn
    answered.resolve(await place.answer())
    await vi.waitFor(() =>
      expect(log.error).toHaveBeenCalledExactlyOnceWith(
        { err: expect.objectContaining({ message: 'no leader' }) },
        'the registry could not forget the instance',
      ),
    )
  })

  it('does nothing where nothing was begun, or the try fails', async () => {
    const { signal } = new AbortController()
    await announcing().announcement.withdraw(signal)
    const failing = announcing(refused).announcement
    await expect(failing.begin()).rejects.toThrow('refused')
    await failing.withdraw(signal)
  })
})
