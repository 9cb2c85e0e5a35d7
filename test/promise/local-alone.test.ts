import { defineHandler, defineService, localTransport } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import type { Transport } from '@tenon/core/transport'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { environment, startCaller } from './local-pair.ts'

const Note = Type.Object({ text: Type.String() })
const notes = contract('shop.alone.v1.NoteService', { echo: { input: Note, output: Note, access: 'public' } })

/** A service whose operation has no place in HTTP. */
const serviceOf = (...transports: readonly Transport[]) =>
  defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    handlers: [defineHandler(notes, () => ({ echo: (input) => input }))],
    transports: () => transports,
  })

test.each([
  ['nothing else', [localTransport()], 0],
  ['HTTP', [httpTransport({ port: 0 }), localTransport()], 1],
])('localTransport() beside %s lets only this process call', async (_beside, transports, addressCount) => {
  const service = serviceOf(...transports)
  expect(await service.check({ environment })).toEqual({ ok: true, problems: [] })
  const { operations } = service.describe({ environment })
  expect(operations).toMatchObject([{ id: 'shop.alone.v1.NoteService/echo', transports: ['local'] }])
  const callee = await service.start({ environment })
  onTestFinished(async () => void (await callee.stop()))
  expect(callee.addresses).toHaveLength(addressCount)
  const { client } = await startCaller(notes)
  expect(await client.echo({ text: 'a' })).toEqual({ text: 'a' })
  expect((await callee.stop()).exitCode).toBe(0)
})

test('a service that nobody could call is told of localTransport()', async () => {
  const { problems } = await serviceOf().check({ environment })
  expect(problems).toEqual([
    {
      code: 'wiring.unreachable',
      message: expect.stringContaining('localTransport() where only this process calls it'),
    },
  ])
})
