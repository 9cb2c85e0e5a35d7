import { expect, test } from 'vitest'
import { readPageToken, writePageToken } from './page-token.ts'

test('reads back the place that a token was written for', () => {
  const place = ['2026-01-02T03:04:05.678Z', 'the id'] as const
  expect(readPageToken(writePageToken(place))).toEqual(place)
})

test.each([
  ['no base64', '%%%'],
  ['no JSON', Buffer.from('{').toString('base64url')],
  ['no list', Buffer.from('"text"').toString('base64url')],
  ['a list of another length', Buffer.from('["a"]').toString('base64url')],
  ['a list of other things', Buffer.from('["a", 1]').toString('base64url')],
])('takes %s for no token of ours', (_what, token) => {
  expect(readPageToken(token)).toBeUndefined()
})
