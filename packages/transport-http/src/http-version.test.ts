import { defineHandler, defineService, fault } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from './index.ts'

const Note = Type.Object({ noteId: Type.String(), text: Type.String(), version: Type.Integer() })
const notes = contract('demo.v1.Notes', {
  getNote: {
    input: Type.Object({ noteId: Type.String() }),
    output: Note,
    errors: ['not_found'],
    http: { route: ['GET /v1/notes/:noteId', 'GET /v0/note/:noteId'], etag: 'version' },
  },
  putNote: {
    input: Type.Object({ noteId: Type.String(), text: Type.String(), expected: Type.Optional(Type.Integer()) }),
    output: Note,
    errors: ['failed_precondition'],
    http: { route: 'PUT /v1/notes/:noteId', headers: { expected: 'if-match' }, etag: 'version' },
  },
})

/** A service that keeps one note. */
async function start() {
  let note = { noteId: 'n1', text: 'a', version: 1 }
  const handler = defineHandler(notes, () => ({
    getNote: async ({ noteId }) => {
      if (noteId !== note.noteId) throw fault(notes.getNote, 'not_found', 'no such note')
      return note
    },
    putNote: async ({ text, expected }) => {
      if (expected !== undefined && expected !== note.version)
        throw fault(notes.putNote, 'failed_precondition', { message: 'it has changed', reason: 'version_mismatch' })
      note = { ...note, text, version: note.version + 1 }
      return note
    },
  }))
  const service = defineService({
    name: 'note',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport({ port: 0 })],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const url = `http://127.0.0.1:${started.addresses[0]?.port}`
  const ask = async (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers })
  const put = async (text: string, expected?: string) =>
    fetch(`${url}/v1/notes/n1`, {
      method: 'PUT',
      body: JSON.stringify({ text }),
      headers: { 'content-type': 'application/json', ...(expected !== undefined && { 'if-match': expected }) },
    })
  return { ask, put, [Symbol.asyncDispose]: async () => void (await started.stop()) }
}

test('of two writers that saw the same version the second is told', async () => {
  await using service = await start()
  const seen = (await service.ask('/v1/notes/n1')).headers.get('etag') ?? ''
  const statuses = [await service.put('b', seen), await service.put('c', seen), await service.put('d')]
  expect(statuses.map(({ status }) => status)).toEqual([200, 412, 200])
  expect((await service.put('e', '*')).status).toBe(200)
  expect((await service.put('f', '"x"')).status).toBe(400)
  const stale = await service.ask('/v0/note/n1', { 'if-none-match': seen })
  expect([stale.status, stale.headers.get('etag')]).toEqual([200, '"4"'])
  expect((await service.ask('/v0/note/n1', { 'if-none-match': '"4"' })).status).toBe(304)
})

test('the id of a request comes back where it may be one, and another where it may not', async () => {
  await using service = await start()
  const idOf = async (path: string, id: string) =>
    (await service.ask(path, { 'x-request-id': id })).headers.get('x-request-id')
  expect(await idOf('/v1/notes/n1', 'load-1:a.b')).toBe('load-1:a.b')
  expect(await idOf('/v1/notes/n1', 'two words')).toMatch(/^[0-9a-f-]{36}$/)
  const failed = await service.ask('/v1/notes/n2', { 'x-request-id': 'mine' })
  expect([failed.headers.get('x-request-id'), await failed.json()]).toMatchObject(['mine', { callId: 'mine' }])
})
