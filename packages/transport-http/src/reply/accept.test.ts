import { expect, test } from 'vitest'
import { acceptRatio, compileAcceptable } from './accept.ts'

test.each([
  ['', undefined],
  ['text/html', undefined],
  ['text/event-stream', 1],
  ['text/html, TEXT/Event-Stream', 1],
  ['text/event-stream;q=0', 0],
  ['text/event-stream; charset=utf-8 ; Q=0.25', 0.25],
  ['text/event-stream;q=0.000', 0],
  ['text/event-streams', undefined],
  ['*/*;q=0.1, text/*;q=0.5', 0.5],
  ['*/*, text/event-stream;q=0.2, text/*', 0.2],
  ['*/*;q=0.1', 0.1],
  // No weight at all counts as none given.
  ['text/event-stream;q=2', 1],
])('Accept: %s', (accept, ratio) => {
  expect(acceptRatio(accept, 'text/event-stream')).toBe(ratio)
})

test('what is answered is acceptable when the header names one of its types, or nothing', () => {
  const isAcceptable = compileAcceptable(['application/json']) ?? (() => undefined)
  const taken = [
    '*/*',
    'application/json',
    'application/*;q=0.1',
    'text/html, */*;q=0.8',
    'Application/JSON;v=1',
    '',
    ' ',
  ]
  const refused = ['text/html', 'application/json;q=0', 'application/json;q=0, */*', 'application/problem+json', 'json']
  expect(taken.filter((accept) => isAcceptable(accept) !== true)).toEqual([])
  expect(refused.filter((accept) => isAcceptable(accept) !== false)).toEqual([])
  expect(compileAcceptable(['a/b', 'c/d'])?.('c/d')).toBe(true)
  expect(compileAcceptable(['*/*'])).toBeUndefined()
})
