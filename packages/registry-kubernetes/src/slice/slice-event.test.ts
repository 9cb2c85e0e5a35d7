import { expect, test } from 'vitest'
import { toEvent, toPage } from './slice-event.ts'

test.each([
  ['{"type":"ERROR","object":{"message":"?"}}', 'an error that says nothing'],
  ['{"type":"ERROR","object":{"code":410}}', 'an error that says nothing'],
  ['{"type":"ERROR","object":null}', 'an error that says nothing'],
  ['{"type":"ADDED","object":{"metadata":{"resourceVersion":"2"}}}', 'an object without a name'],
  ['{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":2}}}', 'an object without a version'],
  ['{"type":"BOOKMARK","object":{}}', 'an object without a version'],
  ['{"type":"RENAMED"}', 'an event of type "RENAMED"'],
  ['7', 'an event of type undefined'],
])('%s is no event', (line, message) => {
  expect(() => toEvent(line)).toThrow(message)
})

test('an error has its code and what the server says', () => {
  const line = '{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}'
  expect(toEvent(line)).toEqual({ type: 'error', status: 410, message: 'too old' })
})

test('a list of nothing may have null in the place of its items', () => {
  const page = toPage('{"metadata":{"resourceVersion":"3"},"items":null}')
  expect(page).toEqual({ slices: [], version: '3', next: undefined })
})
