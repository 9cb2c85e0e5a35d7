import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { resolveGrpcOptions } from '../grpc-options.ts'
import { UnreadSessions } from './unread-sessions.ts'

test.each([
  ['runs', { destroyed: false, closed: false }, false],
  ['was destroyed', { destroyed: true, closed: false }, true],
  ['was closed, so that its last answer may be read slowly,', { destroyed: true, closed: true }, false],
])('of a session that %s the socket is destroyed at the second look: %o, %s', (_which, session, isDestroyed) => {
  const unread = new UnreadSessions(resolveGrpcOptions({}))
  const socket = new Socket()
  unread.look(session, socket)
  expect(socket.destroyed).toBe(false)
  unread.look(session, socket)
  expect(socket.destroyed).toBe(isDestroyed)
})
