import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { currentProcess, hasEnded, MemberWatch } from './sqlite-liveness.ts'

describe('hasEnded', () => {
  it('knows a process that runs, and one that has ended', async () => {
    const child = spawn(process.execPath, ['--eval', ''], { stdio: 'ignore' })
    const ended = once(child, 'exit')
    const place = { ...currentProcess(), processId: child.pid ?? 0 }
    await ended
    expect(hasEnded(currentProcess())).toBe(false)
    expect(hasEnded(place)).toBe(true)
    expect(hasEnded({ ...place, space: 'a container elsewhere' })).toBe(false)
  })
})

describe('MemberWatch', () => {
  it('takes a member for dead when its heartbeat stands still for longer than its session', () => {
    const watch = new MemberWatch(300)
    const looks = [0, 200, 400, 600, 800, 1_000].map((nowMs) => watch.look([sign(1, 5), sign(2, nowMs)], nowMs))
    expect(looks).toEqual([[], [], [], [], [], []])
    expect(watch.look([sign(1, 5), sign(2, 7)], 1_001)).toEqual([1])
  })

  it('begins anew after a time in which it did not look, for then nobody could write', () => {
    const watch = new MemberWatch(300)
    expect(watch.look([sign(1, 5)], 0)).toEqual([])
    expect(watch.look([sign(1, 5)], 60_000)).toEqual([])
    expect(watch.look([sign(1, 5)], 60_200)).toEqual([])
    expect(watch.look([sign(1, 6)], 60_400)).toEqual([])
  })

  it('takes a member for dead at once when its process has ended', () => {
    const gone = { ...sign(1, 5), ...currentProcess(), processId: 2 ** 22 + 1 }
    expect(new MemberWatch(300).look([gone, sign(2, 1)], 0)).toEqual([1])
  })
})

function sign(memberId: number, beat: number) {
  return { memberId, beat, sessionTimeoutMs: 1_000, space: 'elsewhere', processId: 1 }
}
