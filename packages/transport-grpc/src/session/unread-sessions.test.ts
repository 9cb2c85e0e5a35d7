import { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
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

test.each([
  ['as long as a ping and its answer would take', 1_050, true],
  ['a millisecond less', 1_049, false],
])(
  'a session that was closed behind its last answer and is not read for %s: %i ms, %s',
  (_which, unreadMs, isDestroyed) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const unread = new UnreadSessions(resolveGrpcOptions({ keepaliveIntervalMs: 1_000, keepaliveTimeoutMs: 50 }))
      const [session, socket] = [{ destroyed: true, closed: true }, new Socket()]
      unread.look(session, socket)
      vi.advanceTimersByTime(unreadMs)
      unread.look(session, socket)
      expect(socket.destroyed).toBe(isDestroyed)
    } finally {
      vi.useRealTimers()
    }
  },
)
