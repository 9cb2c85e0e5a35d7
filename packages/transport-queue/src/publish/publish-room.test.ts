import { describe, expect, it } from 'vitest'
import { PublishRoom } from './publish-room.ts'

function room(maxPublishingCount: number, maxPublishingBytes = 1_000) {
  const gone: string[] = []
  const opened = new PublishRoom({ mode: 'binary', dataSchema: undefined, maxPublishingCount, maxPublishingBytes })
  const turn = (name: string, byteCount = 1) => ({ byteCount, go: () => void gone.push(name) })
  return { room: opened, gone, turn }
}

describe('PublishRoom', () => {
  it('lets as many go as there is room for, and the next in their order when one leaves', () => {
    const { room: opened, gone, turn } = room(2)
    for (const name of ['a', 'b', 'c', 'd']) opened.enter(turn(name))
    expect(gone).toEqual(['a', 'b'])
    opened.leave(1)
    expect(gone).toEqual(['a', 'b', 'c'])
  })

  it('lets none overtake one that is too large for now', () => {
    const { room: opened, gone, turn } = room(10, 100)
    opened.enter(turn('half', 60))
    opened.enter(turn('other half', 60))
    opened.enter(turn('small', 1))
    expect(gone).toEqual(['half'])
    opened.leave(60)
    expect(gone).toEqual(['half', 'other half', 'small'])
  })

  it('lets one that is larger than all the room go alone', () => {
    const { room: opened, gone, turn } = room(10, 100)
    opened.enter(turn('small', 1))
    opened.enter(turn('huge', 5_000))
    opened.enter(turn('next', 1))
    expect(gone).toEqual(['small'])
    opened.leave(1)
    expect(gone).toEqual(['small', 'huge'])
    opened.leave(5_000)
    expect(gone).toEqual(['small', 'huge', 'next'])
  })

  it('goes on without one that gave up', () => {
    const { room: opened, gone, turn } = room(10, 100)
    const large = turn('large', 100)
    opened.enter(turn('first', 60))
    opened.enter(large)
    opened.enter(turn('small', 1))
    opened.forget(large)
    expect(gone).toEqual(['first', 'small'])
  })

  it('takes in twice as many, and refuses any beyond as resource_exhausted', () => {
    const { room: opened } = room(2)
    for (let index = 0; index < 4; index += 1) opened.reserve(1)
    expect(() => opened.reserve(1)).toThrow(
      expect.objectContaining({
        code: 'resource_exhausted',
        reason: 'publishing_backlog',
        details: { retryDelayMs: 1_000 },
      }),
    )
    opened.release(1)
    opened.reserve(1)
  })

  it('takes in twice the bytes, and one that is larger only alone', () => {
    const { room: opened } = room(100, 100)
    opened.reserve(5_000)
    expect(() => opened.reserve(1)).toThrow('too many messages wait to be published')
    opened.release(5_000)
    opened.reserve(150)
    opened.reserve(50)
    expect(() => opened.reserve(1)).toThrow('too many messages wait to be published')
  })
})
