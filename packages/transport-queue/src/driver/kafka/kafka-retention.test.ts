import { expect, it } from 'vitest'
import { keptSettings, toRetention } from './kafka-retention.ts'

it.each([
  [{ isKept: true }, '-1'],
  [{ keptMs: 5 }, '5'],
  [{}, undefined],
])('a topic that is wanted as %j is created with the retention %s', (wanted, retentionMs) => {
  const settings = keptSettings({ topic: 'topic', ...wanted })
  expect(settings.find(({ name }) => name === 'retention.ms')?.value).toBe(retentionMs)
})

it.each([
  ['-1', 'delete', { keptMs: Number.POSITIVE_INFINITY, isCompacted: false }],
  ['5', 'delete', { keptMs: 5, isCompacted: false }],
  ['5', 'compact', { keptMs: Number.POSITIVE_INFINITY, isCompacted: true }],
  ['5', 'compact, delete', { keptMs: 5, isCompacted: true }],
])('retention.ms %s with cleanup.policy %s is read', (retentionMs, policy, expected) => {
  expect(
    toRetention(
      new Map([
        ['retention.ms', retentionMs],
        ['cleanup.policy', policy],
      ]),
    ),
  ).toEqual(expected)
})

it('an answer that leaves one out says nothing', () => {
  expect(() => toRetention(new Map([['retention.ms', '5']]))).toThrow('left out settings')
})
