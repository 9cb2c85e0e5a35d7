import type { MessageOrder } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { KeyLanes, type OpenMessage } from './key-lanes.ts'
import { FinishedOffsets } from '../commit/finished-offsets.ts'
import { Slots } from './slots.ts'

function messageOf(key: string | null, offset: number): OpenMessage {
  const bytes = key === null ? null : Buffer.from(key)
  const record = { topic: 't', partition: 0, offset, timestampAt: 0, key: bytes, value: null, headers: [] }
  return { record, place: new FinishedOffsets().begin({ offset, timestampAt: 0 }) }
}

/** Lanes whose messages run until they are ended by offset; `begun` are those that got a place. */
function open(placeCount: number, order: MessageOrder = 'key') {
  const revoked = new AbortController()
  const slots = new Slots(placeCount)
  const begun: number[] = []
  const nexts = new Map<number, () => void>()
  const handle = ({ record }: OpenMessage, next: () => void) => {
    begun.push(record.offset)
    nexts.set(record.offset, next)
  }
  const lanes = new KeyLanes({ slots, order, revoked: revoked.signal, handle })
  const end = (offset: number) => {
    slots.release()
    nexts.get(offset)?.()
  }
  return { revoked, begun, lanes, end }
}

test('a key waits for itself, and what waits for a place has not begun', () => {
  const { begun, lanes, end } = open(2)
  for (const [offset, key] of Array.from('aabc').entries()) lanes.add(messageOf(key, offset))
  expect(begun).toEqual([0, 2])
  end(0)
  expect(begun).toEqual([0, 2, 3])
  end(2)
  expect(begun).toEqual([0, 2, 3, 1])
})

test('messages without a key wait for none of their kind', () => {
  const { begun, lanes } = open(3)
  for (const offset of [0, 1, 2]) lanes.add(messageOf(null, offset))
  expect(begun).toEqual([0, 1, 2])
})

test('a partition in order waits for itself, whatever the keys', () => {
  const { begun, lanes, end } = open(3, 'partition')
  for (const [offset, key] of ['a', 'b', null].entries()) lanes.add(messageOf(key, offset))
  expect(begun).toEqual([0])
  end(0)
  end(1)
  expect(begun).toEqual([0, 1, 2])
})

test('without an order a key does not wait for itself', () => {
  const { begun, lanes } = open(3, 'none')
  for (const [offset, key] of ['a', 'a', null].entries()) lanes.add(messageOf(key, offset))
  expect(begun).toEqual([0, 1, 2])
})

test('a key that has come to its end begins anew', () => {
  const { begun, lanes, end } = open(1)
  lanes.add(messageOf('a', 0))
  end(0)
  lanes.add(messageOf('a', 1))
  expect(begun).toEqual([0, 1])
})

test('nothing begins once the partition is revoked, and what runs is waited for', async () => {
  const { revoked, begun, lanes, end } = open(2)
  for (const [offset, key] of Array.from('abab').entries()) lanes.add(messageOf(key, offset))
  revoked.abort()
  let isSettled = false
  const settled = lanes.settled().then(() => (isSettled = true))
  end(0)
  await Promise.resolve()
  expect([begun, isSettled]).toEqual([[0, 1], false])
  end(1)
  await settled
  lanes.add(messageOf('c', 4))
  expect(begun).toEqual([0, 1])
})
