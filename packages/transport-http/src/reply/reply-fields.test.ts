import { expect, test } from 'vitest'
import { toUriReference } from './reply-fields.ts'

test.each([
  ['/v1/users/1?a=b&c=%20#d', '/v1/users/1?a=b&c=%20#d'],
  ['https://example.com/ü 1', 'https://example.com/%C3%BC%201'],
  ['/a\r\nset-cookie: b', '/a%0D%0Aset-cookie:%20b'],
  ['/<">', '/%3C%22%3E'],
  ['/a{b}|c\\d^e`f', '/a%7Bb%7D%7Cc%5Cd%5Ee%60f'],
  ["/users(userId='1')", "/users(userId='1')"],
])('%j is sent as %j', (text, sent) => {
  expect(toUriReference(text)).toBe(sent)
})
