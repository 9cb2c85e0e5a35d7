import { describe, expect, it } from 'vitest'
import { FetchLanes } from './platformatic-fetch-lanes.ts'

describe('FetchLanes', () => {
  it('asks for all that can be fetched in one request, over and over', async () => {
    const { lanes, ready, requests } = open()
    ready('a', 'b')
    lanes.wake()
    await turn()
    expect(requests.map(({ parts, lane }) => [parts, lane])).toEqual([[['a', 'b'], 0]])
    requests[0]?.answer('a', 'b')
    await turn()
    expect(requests[1]).toMatchObject({ parts: ['a', 'b'], lane: 0, waitMs: 500 })
    requests[1]?.answer()
    await turn()
    expect(requests).toHaveLength(2)
  })

  it('asks for what can be fetched later over a second lane, and for all together when the first is answered', async () => {
    const { lanes, ready, requests } = open()
    ready('a')
    lanes.wake()
    await turn()
    ready('b')
    lanes.wake()
    await turn()
    expect(requests[1]).toMatchObject({ parts: ['b'], lane: 1, waitMs: 50 })
    requests[0]?.answer('a')
    await turn()
    expect(requests).toHaveLength(2)
    requests[1]?.answer('b')
    await turn()
    expect(requests[2]).toMatchObject({ parts: ['a', 'b'], lane: 0 })
    expect(requests).toHaveLength(3)
  })

  it('goes on over the second lane while the first waits', async () => {
    const { lanes, ready, requests } = open()
    ready('a')
    lanes.wake()
    await turn()
    ready('b')
    lanes.wake()
    await turn()
    requests[1]?.answer('b')
    await turn()
    expect(requests[2]).toMatchObject({ parts: ['b'], lane: 1 })
  })

  it('begins again when it is woken after there was nothing', async () => {
    const { lanes, ready, requests } = open()
    lanes.wake()
    await turn()
    expect(requests).toEqual([])
    ready('a')
    lanes.wake()
    await turn()
    expect(requests).toHaveLength(1)
  })
})

function open() {
  const waiting = new Set<string>()
  const requests: { parts: readonly string[]; lane: number; waitMs: number; answer(...again: string[]): void }[] = []
  const ready = (...parts: string[]) => parts.forEach((part) => waiting.add(part))
  const lanes = new FetchLanes<string>({
    take: () => {
      const taken = [...waiting].toSorted()
      waiting.clear()
      return taken
    },
    fetch: (parts, { lane, waitMs }) =>
      new Promise((resolve) => {
        const answer = (...again: string[]) => {
          ready(...again)
          resolve()
        }
        requests.push({ parts, lane, waitMs, answer })
      }),
  })
  return { lanes, ready, requests }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
