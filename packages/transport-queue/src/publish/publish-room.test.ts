import { describe, expect, it } from 'vitest'
import { type OpenMessage, PublishRoom } from './publish-room.ts'

const full = {
  code: 'resource_exhausted',
  reason: 'publishing_backlog',
  message: 'too many messages wait to be published',
  details: { retryDelayMs: 1_000 },
}

function room(maxPublishingCount: number, maxPublishingBytes = 1_000): PublishRoom {
  return new PublishRoom({ mode: 'binary', dataSchema: undefined, maxPublishingCount, maxPublishingBytes })
}

function message(byteCount = 0, cut = () => true): OpenMessage {
  return { byteCount, cut }
}

describe('PublishRoom', () => {
  it('takes in as many as it is told, and one more when one has left', () => {
    const small = room(2)
    const [first, second, third] = [message(), message(), message()]
    small.enter(first)
    small.enter(second)
    expect(() => small.enter(third)).toThrow(expect.objectContaining(full))
    small.leave(first)
    small.enter(third)
  })

  it('takes in as many bytes as it is told, and one that is larger only alone', () => {
    const small = room(10, 100)
    const huge = message(5_000)
    small.enter(huge)
    small.reserve(5_000)
    small.enter(message(1))
    expect(() => small.reserve(1)).toThrow(expect.objectContaining(full))
    small.leave(huge)
    small.reserve(60)
    small.reserve(40)
    expect(() => small.reserve(1)).toThrow(expect.objectContaining(full))
  })

  it('is idle when the last has left', async () => {
    const small = room(2)
    await small.idle()
    const [first, second] = [message(), message()]
    small.enter(first)
    small.enter(second)
    const idle = small.idle().then(() => 'idle')
    small.leave(first)
    expect(await Promise.race([idle, nextTurn()])).toBe('busy')
    small.leave(second)
    expect(await idle).toBe('idle')
  })

  it('counts those that it cuts, and not those whose publisher knows already', () => {
    const small = room(3)
    for (const isCut of [true, false, true]) small.enter(message(0, () => isCut))
    expect(small.cut()).toBe(2)
  })
})

function nextTurn(): Promise<string> {
  return new Promise((resolve) => setImmediate(() => resolve('busy')))
}
