import { expect, test } from 'vitest'
import { isRefusal, toSendError } from './kafka-refusal.ts'

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
  ['UNKNOWN_TOPIC_OR_PARTITION', false],
  ['REQUEST_TIMED_OUT', false],
] as const)('%s leaves certain that nothing is stored: %s', ([name, expected]) => {
  expect(isRefusal(new Set([name]))).toBe(expected)
})
