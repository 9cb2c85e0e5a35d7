import { once } from 'node:events'
import { defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { grpcTransport, type GrpcOptions } from '@tenon/transport-grpc'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { callFrame, errorCode, flag, frame, frameType, openRaw, type RawConnection, uint32 } from './raw-connection.ts'

const waits = contract('test.v1.WaitService', {
  wait: { input: Type.Object({}), output: Type.Object({}) },
  read: { input: Type.Object({}), output: Type.Object({ text: Type.String() }) },
})

/** A service in this process, one of whose calls waits for its end. */
async function start(options: GrpcOptions) {
  const begun = Promise.withResolvers<void>()
  const handler = defineHandler(waits, () => ({
    wait: async (_input, { signal }) => {
      begun.resolve()
      if (!signal.aborted) await once(signal, 'abort')
      return {}
    },
    read: () => ({ text: 'x'.repeat(1_000_000) }),
  }))
  const service = defineService({
    name: 'waits',
    version: '1.0.0',
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0, ...options })],
    admin: false,
    shutdownTimeoutMs: 2_000,
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  return { started, port: started.addresses[0]?.port ?? 0, begun: begun.promise }
}

const callOf = (method: string) => [
  callFrame(`/test.v1.WaitService/${method}`, 1),
  frame({ type: frameType.data, flags: flag.endStream, stream: 1, payload: Buffer.alloc(5) }),
]
const ping = frame({ type: frameType.ping, payload: Buffer.alloc(8) })
const leave = frame({ type: frameType.goaway, payload: Buffer.concat([uint32(0), uint32(errorCode.noError)]) })

/** The connection takes no more calls, which the second GOAWAY says; Node says it again where it closes a session. */
async function retired({ goawayCodes, frames, send }: RawConnection): Promise<void> {
  await eventually(() => expect(goawayCodes()).toHaveLength(1))
  const asked = frames().filter(({ type }) => type === frameType.ping)
  await send(...asked.map(({ payload }) => frame({ type: frameType.ping, flags: flag.ack, payload })), leave)
  await eventually(() => expect(goawayCodes().length).toBeGreaterThanOrEqual(2))
}

test.each([
  ['is too old', { maxConnectionAgeMs: 500 }, async () => undefined],
  ['was asked to leave', {}, ({ started }: Started) => started.stop()],
] as const)(
  'a connection that %s and finishes a call may not ping more often than others',
  async (_why, options, end) => {
    const target = await start(options)
    const attacker = openRaw(target.port)
    await attacker.begin()
    await attacker.send(...callOf('Wait'))
    await target.begun
    const ended = end(target)
    await retired(attacker)
    await attacker.send(...Array.from({ length: 10 }, () => ping))
    await attacker.closed
    expect(attacker.goawayCodes()).toContain(errorCode.enhanceYourCalm)
    await ended
    await target.started.stop()
  },
)

type Started = Awaited<ReturnType<typeof start>>

test('answers that nobody reads are reported, and hold up a stop no longer than its time', async () => {
  const { started, port } = await start({})
  const attacker = openRaw(port)
  await attacker.begin()
  await attacker.send(...callOf('Read'))
  // The rest would need a larger window.
  await eventually(() => expect(attacker.frames().some(({ type }) => type === frameType.data)).toBe(true))
  const { exitCode, phases } = await started.stop()
  expect(exitCode).toBe(1)
  expect(phases.filter(({ error }) => error !== undefined)).toEqual([])
})
