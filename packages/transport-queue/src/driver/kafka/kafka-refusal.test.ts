import { expect, test } from 'vitest'
import { isBadRecord, isCertain, notAllowedBeside, notDescribable, toSendError } from './kafka-refusal.ts'

test.for([
  ['MESSAGE_TOO_LARGE', 'internal', 'record_too_large'],
  ['RECORD_LIST_TOO_LARGE', 'internal', 'record_too_large'],
  ['TOPIC_AUTHORIZATION_FAILED', 'permission_denied', undefined],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'not_found', undefined],
  ['INVALID_RECORD', 'internal', undefined],
  ['INVALID_TOPIC_EXCEPTION', 'internal', undefined],
  ['NOT_LEADER_OR_FOLLOWER', 'unavailable', undefined],
  ['', 'unavailable', undefined],
] as const)('%s is told as %s, reason %s', ([name, code, reason]) => {
  const error = toSendError(new Set([name]), 'Kafka at here', undefined)
  expect(error).toMatchObject({ code, message: 'Kafka at here did not take the message' })
  expect(error.reason).toBe(reason)
})

test.for([
  ['MESSAGE_TOO_LARGE', true],
  ['TOPIC_AUTHORIZATION_FAILED', true],
  ['UNKNOWN_TOPIC_OR_PARTITION', true],
  ['INVALID_RECORD', true],
  // A broker may say these of what it has stored.
  ['NOT_LEADER_OR_FOLLOWER', false],
  ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', false],
  ['REQUEST_TIMED_OUT', false],
  ['', false],
] as const)('%s leaves certain that nothing of its request is stored: %s', ([name, expected]) => {
  expect(isCertain(name)).toBe(expected)
})

test.for([
  ['RECORD_LIST_TOO_LARGE', true],
  ['INVALID_TIMESTAMP', true],
  ['TOPIC_AUTHORIZATION_FAILED', false],
  ['UNKNOWN_TOPIC_OR_PARTITION', false],
] as const)('%s is the fault of records: %s', ([name, expected]) => {
  expect(isBadRecord(name)).toBe(expected)
})

test.each([
  [['TOPIC_AUTHORIZATION_FAILED'], 'topic orders may not be described'],
  [['GROUP_AUTHORIZATION_FAILED'], 'group billing may not be described'],
])('a refusal to describe names what is refused: %s', (names, message) => {
  const refusal = notDescribable(new Set(names), 'orders', 'billing')
  expect(refusal).toMatchObject({ code: 'permission_denied', message })
})

test('what is no refusal to describe is not taken for one', () => {
  expect(notDescribable(new Set(['NOT_COORDINATOR']), 'orders', 'billing')).toBeUndefined()
  expect(notAllowedBeside(new Set(['GROUP_AUTHORIZATION_FAILED']), 'orders')).toBeUndefined()
})
