import Type from 'typebox'
import { expect, it, vi } from 'vitest'
import type { Outcome } from '../../call/arrival.ts'
import { drainingError } from '../../call/gate.ts'
import { contract } from '../../contract/contract.ts'
import { stream } from '../../contract/stream.ts'
import { ServiceError } from '../../error/service-error.ts'
import { markShutdown } from '../../error/shutdown.ts'
import { silent } from '../../telemetry/log.ts'
import type { OutgoingCall } from '../client-transport.ts'
import { wasNotSent } from '../not-sent.ts'
import { LocalChannel } from './local-channel.ts'
import type { LocalOffer } from './local-offers.ts'

const Note = Type.Object({ text: Type.String() })
const { echo, join } = contract('demo.v1.NoteService', {
  echo: { input: Note, output: Note },
  join: { input: stream(Note), output: Note },
})
const outgoing: OutgoingCall = { metadata: {}, timeoutMs: undefined, signal: undefined }

/** A channel to a service that answers so, whatever it is asked. */
function channelTo(answer: Promise<Outcome> | undefined): LocalChannel {
  const offer: LocalOffer = {
    address: 'note/1',
    isLeaving: false,
    log: silent,
    offers: () => true,
    dispatch: () => answer,
    outside: (step) => step(),
  }
  return new LocalChannel(offer)
}

const failing = (error: ServiceError) =>
  channelTo(Promise.resolve({ ok: false, error, callId: 'c', headers: undefined }))

it('counts what a service refused at its door as not sent, and nothing that a handler says of itself', async () => {
  const call = (error: ServiceError) =>
    failing(error)
      .unary(echo, { text: 'a' }, outgoing)
      .catch((failure: unknown) => failure)
  const refused = await call(markShutdown(drainingError()))
  expect(refused).toMatchObject({ code: 'unavailable', reason: 'draining', details: { retryDelayMs: 1_000 } })
  expect(wasNotSent(refused)).toBe(true)
  expect(wasNotSent(await call(drainingError()))).toBe(false)
  expect(wasNotSent(await call(markShutdown(new ServiceError('unavailable', 'cut'))))).toBe(false)
})

it('is unimplemented where the service does not offer the operation, and is idle then', async () => {
  const channel = channelTo(undefined)
  await expect(channel.unary(echo, { text: 'a' }, outgoing)).rejects.toMatchObject({
    code: 'unimplemented',
    message: 'the service does not offer demo.v1.NoteService/echo',
  })
  await channel.whenIdle()
})

it('returns the inputs of a call that nobody began', async () => {
  const returned = vi.fn(async () => ({ done: true as const, value: undefined }))
  const source = { next: () => expect.unreachable(), return: returned }
  const inputs = { [Symbol.asyncIterator]: () => source }
  const refused = failing(markShutdown(drainingError())).clientStream(join, inputs, outgoing)
  await expect(refused).rejects.toMatchObject({ code: 'unavailable' })
  expect(returned).toHaveBeenCalledTimes(1)
})

it('is idle after inputs that cannot be begun, and lives on after such as cannot be left', async () => {
  const broken = new Error('broken')
  const fails = () => {
    throw broken
  }
  const channel = failing(markShutdown(drainingError()))
  await expect(channel.clientStream(join, { [Symbol.asyncIterator]: fails }, outgoing)).rejects.toBe(broken)
  await channel.whenIdle()
  const source = { next: () => expect.unreachable(), return: fails }
  const inputs = { [Symbol.asyncIterator]: () => source }
  await expect(channel.clientStream(join, inputs, outgoing)).rejects.toMatchObject({ code: 'unavailable' })
})
