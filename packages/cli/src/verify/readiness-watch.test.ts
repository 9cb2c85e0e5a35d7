import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { askReadiness, type ProbeAnswer, ReadinessWatch } from './readiness-watch.ts'

afterEach(() => void vi.useRealTimers())

/** Gives a watch these answers, one after another, and tells what it then says of the instance. */
async function said(answers: readonly ProbeAnswer[]): Promise<readonly ProbeAnswer[]> {
  vi.useFakeTimers()
  const left = [...answers]
  const all: ProbeAnswer[] = []
  using watch = new ReadinessWatch(
    async () => left.shift() ?? 'gone',
    () => undefined,
  )
  for (const _answer of answers) {
    await vi.advanceTimersByTimeAsync(50)
    all.push(watch.last)
  }
  return all
}

describe('ReadinessWatch', () => {
  it('believes a no and an absence at once', async () => {
    expect(await said(['ready', 'not_ready', 'ready', 'gone'])).toEqual(['ready', 'not_ready', 'ready', 'gone'])
  })

  it('stays with what it knows until three answers in a row are late', async () => {
    const told = await said(['ready', 'late', 'late', 'ready', 'late', 'late', 'late'])
    expect(told.join(' ')).toBe('ready ready ready ready ready ready late')
  })

  it('asks no second question while one is open', async () => {
    vi.useFakeTimers()
    const answer = Promise.withResolvers<ProbeAnswer>()
    const ask = vi.fn(() => answer.promise)
    using watch = new ReadinessWatch(ask, () => undefined)
    await vi.advanceTimersByTimeAsync(500)
    expect(ask).toHaveBeenCalledOnce()
    answer.resolve('ready')
    await vi.advanceTimersByTimeAsync(50)
    expect([watch.last, ask.mock.calls.length]).toEqual(['ready', 2])
  })
})

describe('askReadiness', () => {
  it('tells who is silent from who is not there', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const address = { protocol: 'admin', host: '127.0.0.1', port }
    expect(await askReadiness(address, '/readyz', 50)).toBe('late')
    server.close()
    await once(server, 'close')
    expect(await askReadiness(address, '/readyz', 50)).toBe('gone')
  })
})
