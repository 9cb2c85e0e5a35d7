import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { GrpcOptions } from '../grpc-options.ts'
import { begin, frame, pathOf, serve } from '../listen/server.test-harness.ts'
import { largeBytes, openStalling, type StallingClient } from '../listen/stalling-client.test-harness.ts'

const keepalive: GrpcOptions = { keepaliveIntervalMs: 1_000, keepaliveTimeoutMs: 50 }

/** Asks for an answer, and reads its beginning only. */
async function leaveUnread({ session, stall }: StallingClient, path?: string): Promise<void> {
  const made = begin(session, path === undefined ? {} : { path })
  made.end(frame('Ada'))
  await once(made, 'response')
  stall()
}

test.each([
  ['does not answer pings', keepalive],
  ['was retired before it left a ping unanswered', { ...keepalive, maxConnectionAgeMs: 300 }],
  ['goes on after the grace of its age', { maxConnectionAgeMs: 500, maxConnectionAgeGraceMs: 50 }],
] as const)(
  'a connection that reads nothing and %s gives its place to another',
  { timeout: 20_000 },
  async (_what, options) => {
    await using demo = await serve({ ...options, maxConnections: 1 }, () => ({ text: 'x'.repeat(largeBytes) }))
    using stalling = await openStalling(demo.port)
    await leaveUnread(stalling)
    expect(await isTaken(demo.port)).toBe(false)
    // Nobody tells of it: the caller would have to read.
    while (!(await isTaken(demo.port))) await setTimeout(50)
  },
)

test('a connection that reads nothing and does not answer pings does not hold up closing', async () => {
  const cut = Promise.withResolvers<void>()
  await using demo = await serve(keepalive, () => endless(cut.resolve))
  using stalling = await openStalling(demo.port)
  await leaveUnread(stalling, pathOf('Watch'))
  await cut.promise
  await demo.server.close()
})

async function* endless(left: () => void) {
  try {
    for (;;) yield { text: 'x'.repeat(100_000) }
  } finally {
    left()
  }
}

/** Whether a connection is taken, and not closed at once because there are too many. */
async function isTaken(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const isTold = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true)).once('close', () => resolve(false))
  })
  socket.destroy()
  return isTold
}
