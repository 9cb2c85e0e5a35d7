import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { expect, it } from 'vitest'
import { SampleBook } from '../sample/sample-book.ts'
import { prepareLoad } from './service-load.ts'

const notes = contract('test.load.v1.NoteService', {
  read: { input: Type.Object({}), output: Type.Object({}), http: 'GET /v1/notes' },
})

/** Answers the first request of each connection, and drops the second. */
async function droppingServer() {
  const known = new WeakSet<Socket>()
  const server = createServer(({ socket }, response) => {
    if (known.has(socket)) return socket.destroy()
    known.add(socket)
    return response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

it('counts a call that was dropped as failed, also where it does no harm to make it again', async () => {
  await using server = await droppingServer()
  const note = defineService({ name: 'note', version: '1.0.0', handlers: [] })
  const place = { file: 'service.ts', exportName: undefined }
  const described = { name: note.name, version: note.version, description: note.describe({ environment: {} }) }
  const service = { ...described, place, operations: [notes.read], topics: [], transports: [] }
  const addressOf = (protocol: string) => (protocol === 'http' ? server.address : undefined)
  await using load = await prepareLoad({ service, addressOf, delayMs: 5_000 }, new SampleBook({}), '')
  expect(await load.tryOnce()).toEqual([])
  expect(await load.tryOnce()).toEqual([
    `test.load.v1.NoteService/read over http: unavailable: the connection to ${server.address} was lost before the reply`,
  ])
})
