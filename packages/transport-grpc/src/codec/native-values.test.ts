import { defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { bytes, type Contract, contract, contractInfo, int64, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { grpcClient, grpcTransport } from '../index.ts'

const Item = Type.Object({
  id: int64({ minimum: -(2n ** 63n) }),
  data: Type.Optional(bytes({ maxLength: 4 })),
  parts: Type.Array(bytes()),
  counts: Type.Record(Type.String(), int64()),
})
const files = contract('demo.native.v1.FileService', {
  echo: { input: Item, output: Item },
  repeat: { input: Item, output: stream(Item) },
})

/** What a caller believes who knows nothing of the limits. */
const believed = contract('demo.native.v1.FileService', {
  echo: { input: Type.Object({ ...Item.properties, data: bytes() }), output: Type.Object({}) },
})

async function start() {
  const seen: unknown[] = []
  const handler = defineHandler(files, () => ({
    echo: async (item) => {
      seen.push(item)
      return item
    },
    repeat: async function* (item) {
      yield item
      yield item
    },
  }))
  const started = await defineService({
    name: 'file',
    version: '1.0.0',
    admin: false,
    checkOutput: 'always',
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const address = `127.0.0.1:${started.addresses[0]?.port}`
  const open = (of: Contract) => grpcClient().open({ contract: contractInfo(of), address })
  const channels = [open(files as Contract), open(believed as Contract)] as const
  return {
    seen,
    client: buildClient(files, channels[0]),
    lax: buildClient(believed, channels[1]),
    [Symbol.asyncDispose]: async () => {
      for (const channel of channels) await channel.close()
      await started.stop()
    },
  }
}

const item = {
  id: -(2n ** 63n),
  data: Uint8Array.of(0, 255),
  parts: [new Uint8Array(), Uint8Array.of(1)],
  counts: { a: 2n ** 63n - 1n, b: 0n },
}

test('int64 and bytes reach handler and client as what they are', async () => {
  await using service = await start()
  expect(await service.client.echo(item)).toEqual(item)
  expect(service.seen).toEqual([item])
  const repeated: unknown[] = []
  for await (const one of service.client.repeat({ ...item, data: Buffer.from('abc') })) repeated.push(one)
  expect(repeated).toEqual([1, 2].map(() => ({ ...item, data: Uint8Array.from(Buffer.from('abc')) })))
})

test('what does not fit is refused by its field, on both sides', async () => {
  await using service = await start()
  const refusal = { code: 'invalid_argument', details: { violations: [{ field: '/data', rule: 'maxLength' }] } }
  const long = { ...item, data: new Uint8Array(5) }
  await expect(service.client.echo(long)).rejects.toMatchObject(refusal)
  await expect(service.lax.echo(long)).rejects.toMatchObject(refusal)
  await expect(service.client.echo({ ...item, id: 2n ** 63n })).rejects.toMatchObject({
    details: { violations: [{ field: '/id', rule: 'maximum' }] },
  })
  await expect(service.client.echo({ ...item, id: '5' as never })).rejects.toMatchObject({
    details: { violations: [{ field: '/id', rule: 'type' }] },
  })
  expect(service.seen).toEqual([])
})
