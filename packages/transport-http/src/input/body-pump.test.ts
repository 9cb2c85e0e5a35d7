import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { aheadBytes, BodyPump, ownBytes, pumpOf, stalledMs } from './body-pump.ts'
import { SharedBytes } from './shared-bytes.ts'

afterEach(() => void vi.useRealTimers())

const pieceBytes = 1_024

/** A body that never ends, and how much of it was taken. */
function endless(piece = Buffer.alloc(pieceBytes)) {
  let takenBytes = 0
  const body = new Readable({
    highWaterMark: 1,
    read() {
      takenBytes += piece.length
      this.push(piece)
    },
  })
  return { body, takenBytes: () => takenBytes }
}

/** Resolves when the body has been paused, so that no more is taken of it. */
async function paused(body: Readable): Promise<void> {
  if (!body.isPaused()) await once(body, 'pause')
}

const plenty = () => new SharedBytes(Number.POSITIVE_INFINITY)

test('a body is read ahead up to a limit, and on as its pieces are asked for', async () => {
  const { body, takenBytes } = endless()
  const pump = new BodyPump(body, plenty())
  await paused(body)
  const aheadOfAll = takenBytes()
  expect(aheadOfAll).toBeGreaterThan(aheadBytes / 2)
  expect(aheadOfAll).toBeLessThan(aheadBytes + 4 * pieceBytes)
  for (let asked = 1; asked <= 100; asked += 1) {
    expect(await pump.next()).toHaveLength(pieceBytes)
    await paused(body)
    expect(takenBytes()).toBeLessThanOrEqual(aheadOfAll + (asked + 4) * pieceBytes)
  }
  expect(takenBytes()).toBeGreaterThan(aheadOfAll + 90 * pieceBytes)
  pump.drop()
  body.destroy()
})

test('as much is read ahead where it comes in small pieces, which are joined', async () => {
  const { body, takenBytes } = endless(Buffer.alloc(16))
  const pump = new BodyPump(body, plenty())
  await paused(body)
  expect(takenBytes()).toBeGreaterThan(aheadBytes / 2)
  expect(takenBytes()).toBeLessThan(aheadBytes)
  expect((await pump.next())?.length).toBeGreaterThan(8_192)
  pump.drop()
  body.destroy()
})

test('bodies share what they read ahead beyond their own part, and read on when some of it is given back', async () => {
  const memory = new SharedBytes(1_000_000)
  const [first, second] = [endless(), endless()]
  const firstPump = new BodyPump(first.body, memory)
  await paused(first.body)
  expect(first.takenBytes()).toBeLessThan(1_000_000 + ownBytes + 4 * pieceBytes)
  const secondPump = new BodyPump(second.body, memory)
  await paused(second.body)
  expect(second.takenBytes()).toBeLessThan(ownBytes + 4 * pieceBytes)
  expect(memory.leftBytes).toBeLessThanOrEqual(0)
  const more = once(second.body, 'resume').then(() => paused(second.body))
  firstPump.drop()
  // Dropped bytes run off, which of this body would never end.
  first.body.destroy()
  await more
  expect(second.takenBytes()).toBeGreaterThan(800_000)
  secondPump.drop()
  second.body.destroy()
  expect(memory.leftBytes).toBe(1_000_000)
})

test('everything that came is given in order, then the end', async () => {
  const body = new PassThrough()
  const pump = pumpOf(body)
  expect(pumpOf(body)).toBe(pump)
  const first = pump.next()
  body.write('a')
  expect(await first).toEqual(Buffer.from('a'))
  body.write('b')
  body.end('c')
  expect(Buffer.concat([(await pump.next()) ?? Buffer.alloc(0), (await pump.next()) ?? Buffer.alloc(0)])).toEqual(
    Buffer.from('bc'),
  )
  expect(await pump.next()).toBeUndefined()
})

test('a body that is lost gives what came before', async () => {
  const body = new PassThrough()
  const pump = pumpOf(body)
  const came = once(body, 'data')
  body.write('a')
  await came
  body.destroy()
  await once(body, 'close')
  expect(await pump.next()).toEqual(Buffer.from('a'))
  await expect(pump.next()).rejects.toMatchObject({ code: 'cancelled' })
})

test('dropping a body ends whoever waits for it, and lets the rest run off', async () => {
  const body = new PassThrough({ highWaterMark: 4 })
  const pump = pumpOf(body)
  const waiting = expect(pump.next()).rejects.toMatchObject({ code: 'cancelled' })
  pump.drop()
  pump.drop()
  await waiting
  const over = once(body, 'end')
  body.end('x'.repeat(100))
  await over
})

test('a caller that is held back is given up when nothing is asked for any more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { body } = endless()
  const pump = new BodyPump(body, plenty())
  const giveUp = vi.fn<() => void>()
  pump.onStalled(giveUp)
  await paused(body)
  vi.advanceTimersByTime(stalledMs - 1)
  pump.ask()
  vi.advanceTimersByTime(stalledMs - 1)
  expect(giveUp).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(giveUp).toHaveBeenCalledOnce()
  pump.drop()
  body.destroy()
  expect(vi.getTimerCount()).toBe(0)
})

test('a caller that sends nothing is not given up, however long nothing comes', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const body = new PassThrough()
  const pump = pumpOf(body)
  const giveUp = vi.fn<() => void>()
  pump.onStalled(giveUp)
  const came = once(body, 'data')
  body.write('a')
  await came
  vi.advanceTimersByTime(10 * stalledMs)
  expect(giveUp).not.toHaveBeenCalled()
  pump.drop()
})

test('a body that is waited for ends when nothing comes for too long, and each byte begins the wait anew', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const body = new PassThrough()
  const pump = new BodyPump(body, plenty())
  pump.limitIdle(1_000)
  // Nobody waits for it yet.
  vi.advanceTimersByTime(5_000)
  for (const text of ['a', 'b']) {
    const next = pump.next()
    vi.advanceTimersByTime(999)
    body.write(text)
    expect(String(await next)).toBe(text)
  }
  const last = pump.next()
  vi.advanceTimersByTime(1_000)
  await expect(last).rejects.toMatchObject({ code: 'deadline_exceeded', reason: 'request_timeout' })
  body.destroy()
})
