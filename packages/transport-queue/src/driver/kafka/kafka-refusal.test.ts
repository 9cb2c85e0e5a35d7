import { expect, test } from 'vitest'
import { toSendError } from './kafka-refusal.ts'

test.for([
  ['MESSAGE_TOO_LARGE', 'internal', 'record_too_large'],
  ['RECORD_LIST_TOO_LARGE', 'internal', 'record_too_large'],
  ['TOPIC_AUTHORIZATION_FAILED', 'internal', undefined],
  ['INVALID_TOPIC_EXCEPTION', 'internal', undefined],
  ['NOT_LEADER_OR_FOLLOWER', 'unavailable', undefined],
  ['', 'unavailable', undefined],
] as const)('%s is told as %s, reason %s', ([name, code, reason]) => {
  const error = toSendError(new Set([name]), 'Kafka at here', undefined)
  expect(error).toMatchObject({ code, message: 'Kafka at here did not take the message' })
  expect(error.reason).toBe(reason)
})
