import { describe, expect, it } from 'vitest'
import type { ReceivedRecord } from '../queue-driver.ts'
import { PartitionFeed } from './partition-feed.ts'

describe('PartitionFeed', () => {
  it('hands out everything that was pushed, in order', async () => {
    const feed = open()
    const waiting = feed.fetch()
    feed.push(records(0, 2))
    expect((await waiting).map(({ offset }) => offset)).toEqual([0, 1])
    feed.push(records(2, 2))
    feed.push(records(4, 1))
    expect((await feed.fetch()).map(({ offset }) => offset)).toEqual([2, 3, 4])
  })

  it('tells when it is full and when there is room again', async () => {
    const feed = open()
    expect(feed.hasRoom).toBe(true)
    feed.push(records(0, 1_000))
    expect(feed.hasRoom).toBe(false)
    const room = feed.whenRoom()
    await feed.fetch()
    await room
    expect(feed.hasRoom).toBe(true)
  })

  it('drops what it holds and wakes everybody when it is revoked', async () => {
    const feed = open()
    const waiting = feed.fetch()
    feed.revoke()
    expect(await waiting).toEqual([])
    feed.push(records(0, 1_000))
    expect(feed.hasRoom).toBe(true)
    expect(await feed.fetch()).toEqual([])
  })

  it('refuses to commit once it is lost', async () => {
    const feed = open()
    expect(await feed.commit(1)).toBe(true)
    feed.lose()
    expect(await feed.commit(2)).toBe(false)
  })
})

function open(): PartitionFeed {
  return new PartitionFeed({ topic: 't', partition: 0, commit: () => Promise.resolve(true) })
}

function records(from: number, length: number): readonly ReceivedRecord[] {
  return Array.from({ length }, (_, index) => ({
    topic: 't',
    partition: 0,
    offset: from + index,
    timestampAt: 0,
    key: null,
    value: null,
    headers: [],
  }))
}
