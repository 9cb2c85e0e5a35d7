import { afterAll, beforeAll, expect, test } from 'vitest'
import { callRaw, framed, isServed, openSession } from './raw-call.ts'
import { type MeasuredProcess, startTarget } from './target-process.ts'

let target: MeasuredProcess

beforeAll(async () => {
  target = await startTarget({ requestTimeoutMs: 1_000 })
  // What is compiled and kept once is no growth.
  for (let index = 0; index < 50; index += 1) await isServed(target.port)
}, 30_000)

afterAll(async () => {
  target.child.kill('SIGTERM')
  expect(await target.ended, target.output()).toBe(0)
})

const deadlineExceeded = 4
const service = '/test.v1.TargetService'
const message = framed(Buffer.from([0x0a, 0xf8, 0x07, ...Buffer.alloc(1_016, 'a')]))

test.each([
  { what: 'headers alone', path: `${service}/Weigh`, chunks: [] },
  { what: 'half a message', path: `${service}/Weigh`, chunks: [message.subarray(0, 500)] },
  { what: 'a message, but not that it was all', path: `${service}/Count`, chunks: [message] },
])(
  '2,000 calls of which $what came are answered and let go, and others are served',
  {
    timeout: 60_000,
  },
  async ({ path, chunks }) => {
    await target.leavesLittle(async () => {
      const sessions = Array.from({ length: 2 }, () => openSession(target.port))
      const calls = sessions.flatMap((session) =>
        Array.from({ length: 1_000 }, async () => callRaw(session, { path, chunks, isLeftOpen: true })),
      )
      expect(await isServed(target.port)).toBe(true)
      const replies = await Promise.all(calls)
      expect([...new Set(replies.map(({ grpcStatus, resetCode }) => `${grpcStatus} ${resetCode}`))]).toEqual([
        `${deadlineExceeded} 0`,
      ])
      for (const session of sessions) session.destroy()
    })
  },
)
