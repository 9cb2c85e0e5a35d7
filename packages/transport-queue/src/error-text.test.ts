import { expect, test } from 'vitest'
import { errorText } from './error-text.ts'

test.for([
  ['no way to kafka://u:p@host:9092 today', 'no way to kafka://***@host:9092 today'],
  ['kafka://u:pa/ss@host', 'kafka://***@host'],
  ['kafka://u:p@ss@host/x', 'kafka://***@host/x'],
  ['kafka://u:a//b@host', 'kafka://***@host'],
  ['write to me@here, see http://host/path', 'write to me@here, see http://host/path'],
])('%s is told as %s', ([given, told]) => {
  expect(errorText(new Error(given), 300)).toBe(told)
})

test('causes are told, also those with credentials, and what is no error', () => {
  const cause = new Error('amqp://u:p/w@host refused', { cause: 'closed' })
  expect(errorText(new Error('no', { cause }), 300)).toBe('no: amqp://***@host refused: closed')
})

test('what errors are gathered in says what they say', () => {
  const gathered = new AggregateError([new Error('first', { cause: new Error('why') }), new Error('second')])
  expect(errorText(gathered, 300)).toBe('first: why; second')
  expect(errorText(new Error('all failed', { cause: gathered }), 300)).toBe('all failed: first; second')
})

test('a long text is cut after its credentials have gone, and takes no long time', () => {
  const password = 'p'.repeat(400)
  expect(errorText(new Error(`kafka://u:${password}@host`), 300)).toBe('kafka://***@host')
  expect(errorText(new Error('//'.repeat(500_000)), 10)).toBe('/////////…')
})

test('an error that is its own cause has an end', () => {
  const error = new Error('round')
  error.cause = error
  expect(errorText(error, 300)).toBe('round: round: round')
})
