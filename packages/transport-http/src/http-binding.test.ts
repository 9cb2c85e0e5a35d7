import { bytes, type Contract, contract, int64 } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { echo, fail, type Handle, json, jsonOf, serve, succeed, talk } from './http-transport.test-harness.ts'

const output = Type.Object({ version: Type.Integer(), url: Type.String() })
const text = Type.Optional(Type.String())

const notes = contract('demo.v1.Notes', {
  getNote: {
    input: Type.Object({
      noteId: Type.String(),
      tenant: text,
      locale: text,
      tags: Type.Optional(Type.Array(Type.String())),
    }),
    output,
    http: {
      route: ['GET /v1/notes/:noteId', 'GET /v1/tenants/:tenant/notes/:noteId', 'POST /v1/notes/:noteId:read'],
      cookies: { locale: 'locale' },
      headers: { tags: 'x-tags' },
      etag: 'version',
    },
    deprecated: { at: '2026-01-01T00:00:00Z', sunset: '2027-01-01T00:00:00Z', link: 'https://example.com/moves' },
  },
  putNote: {
    input: Type.Object({
      noteId: Type.String(),
      expected: Type.Optional(int64()),
      isDraft: Type.Optional(Type.Boolean()),
      note: Type.Optional(Type.Array(Type.Integer())),
    }),
    output,
    http: { route: 'PUT /v1/notes/:noteId', body: 'note', headers: { expected: 'if-match' }, etag: 'version' },
  },
  createNote: {
    input: Type.Object({ tenant: text, size: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
    output,
    http: { route: 'POST /v1/notes', status: 201, location: 'url', headers: { tenant: 'x-tenant' } },
  },
  moveNote: {
    input: Type.Object({ noteId: Type.String() }),
    output: Type.Object({ url: Type.String() }),
    http: { route: 'GET /v1/moved/:noteId', status: 308, location: 'url' },
  },
  dropNote: {
    input: Type.Object({ noteId: Type.String(), tenant: text }, { additionalProperties: false }),
    output: Type.Void(),
    http: { route: 'DELETE /v1/notes/:noteId', status: 204, headers: { tenant: 'x-tenant' } },
  },
  picture: {
    input: Type.Object({}),
    output: bytes({ mediaType: 'image/png' }),
    http: 'GET /v1/picture',
  },
})

const start = async (handlers: Readonly<Record<string, Handle>> = {}) => serve(handlers, {}, notes as Contract)
const jsonHeaders = { 'content-type': 'application/json' }
const note = { version: 3, url: '/v1/notes/ü 1' }
const violation = (field: string) => ({ errors: [{ field, rule: 'location' }] })

describe('routes', () => {
  test('all of an operation lead to it, with the fields that their paths name', async () => {
    await using demo = await start()
    const ask = async (path: string, init?: RequestInit) => jsonOf(await fetch(`${demo.url}${path}`, init))
    expect(await ask('/v1/notes/1?tenant=a')).toEqual({ noteId: '1', tenant: 'a' })
    expect(await ask('/v1/tenants/b/notes/1')).toEqual({ noteId: '1', tenant: 'b' })
    expect(await ask('/v1/tenants/b/notes/1?tenant=a')).toMatchObject(violation('/tenant'))
    expect(await ask('/v1/notes/1:read', json({ tenant: 'c' }))).toEqual({ noteId: '1', tenant: 'c' })
  })

  test('OPTIONS tells the methods of a path, and nothing of a path that has none', async () => {
    await using demo = await start()
    const ask = async (path: string) => {
      const reply = await fetch(`${demo.url}${path}`, { method: 'OPTIONS' })
      return [reply.status, reply.headers.get('allow'), (await reply.text()).length > 0]
    }
    expect(await ask('/v1/notes/1')).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, PUT', false])
    expect(await ask('/v1/notes/1:read')).toEqual([204, 'OPTIONS, POST', false])
    expect(await ask('/nope')).toEqual([404, null, true])
    const whole = 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
    expect(await talk(demo.port, whole)).toMatch(/^HTTP\/1.1 204 /)
  })
})

describe('fields outside of the body', () => {
  test('come from headers and cookies', async () => {
    await using demo = await start()
    const headers = { 'x-tags': 'a, "b,c"', cookie: 'x=1; locale=d%C3%A9' }
    const reply = await fetch(`${demo.url}/v1/notes/1`, { headers })
    expect(await jsonOf(reply)).toEqual({ noteId: '1', tags: ['a', 'b,c'], locale: 'dé' })
    const created = await fetch(`${demo.url}/v1/notes`, {
      ...json({ size: 1 }),
      headers: { ...jsonHeaders, 'x-tenant': 't' },
    })
    expect(await jsonOf(created)).toEqual({ size: 1, tenant: 't' })
  })

  test('are never read elsewhere, and may be repeated there only with the same value', async () => {
    await using demo = await start()
    const ask = async (path: string, init?: RequestInit) => jsonOf(await fetch(`${demo.url}${path}`, init))
    const headers = { 'x-tags': 'a', cookie: 'locale=de' }
    expect(await ask('/v1/notes/1?locale=de&tags=a', { headers })).toMatchObject({ locale: 'de', tags: ['a'] })
    expect(await ask('/v1/notes/1?locale=en', { headers })).toMatchObject(violation('/locale'))
    expect(await ask('/v1/notes/1?tags=a&tags=b', { headers })).toMatchObject(violation('/tags'))
    expect(await ask('/v1/notes/1?locale=de')).toMatchObject(violation('/locale'))
    expect(await ask('/v1/notes', json({ tenant: 't' }))).toMatchObject(violation('/tenant'))
    expect(await ask('/v1/notes/1?tenant=t', { method: 'DELETE' })).toMatchObject(violation('/tenant'))
  })

  test('leave the whole body to one field', async () => {
    await using demo = await start()
    const put = async (body: unknown, query = '') =>
      jsonOf(await fetch(`${demo.url}/v1/notes/1${query}`, json(body, 'PUT')))
    expect(await put([1, 2], '?isDraft=true')).toEqual({ noteId: '1', note: [1, 2], isDraft: true })
    expect(await put(null)).toEqual({ noteId: '1', note: null })
    expect(await put({ noteId: '2', isDraft: 'x' })).toEqual({ noteId: '1', note: { noteId: '2', isDraft: 'x' } })
    const none = await fetch(`${demo.url}/v1/notes/1`, { method: 'PUT' })
    expect(await jsonOf(none)).toEqual({ noteId: '1' })
    const wrong = await fetch(`${demo.url}/v1/notes/1`, {
      method: 'PUT',
      body: '[',
      headers: { 'content-type': 'application/json' },
    })
    expect([wrong.status, await jsonOf(wrong)]).toMatchObject([400, { reason: 'undecodable' }])
  })
})

describe('versions', () => {
  test('a reply carries its version, and who has it already gets nothing more', async () => {
    await using demo = await start({
      getNote: () => succeed(note, { 'cache-control': 'max-age=5' }),
      putNote: () => succeed(note),
    })
    const ask = async (known: string, method = 'GET') => {
      const reply = await fetch(`${demo.url}/v1/notes/1`, { method, headers: { 'if-none-match': known } })
      return [
        reply.status,
        reply.headers.get('etag'),
        reply.headers.get('cache-control'),
        (await reply.text()).length > 0,
      ]
    }
    expect(await ask('"2"')).toEqual([200, '"3"', 'max-age=5', true])
    for (const known of ['"3"', 'W/"3"', '"1", "3"', '*'])
      expect([known, await ask(known)]).toEqual([known, [304, '"3"', 'max-age=5', false]])
    expect(await ask('"3"', 'HEAD')).toEqual([304, '"3"', 'max-age=5', false])
    expect(await ask('"3"', 'PUT')).toEqual([200, '"3"', null, true])
  })

  test('a 304 has no content type and no length', async () => {
    await using demo = await start({ getNote: () => succeed(note) })
    const said = await talk(
      demo.port,
      'GET /v1/notes/1 HTTP/1.1\r\nhost: x\r\nif-none-match: "3"\r\nconnection: close\r\n\r\n',
    )
    expect(said).toMatch(/^HTTP\/1.1 304 Not Modified\r\n/)
    expect(said).not.toMatch(/content-(?:type|length)/i)
  })

  test('an output without its version has no tag', async () => {
    await using demo = await start({ getNote: () => succeed({ url: 'x' }) })
    const reply = await fetch(`${demo.url}/v1/notes/1`, { headers: { 'if-none-match': '*' } })
    expect([reply.status, reply.headers.get('etag')]).toEqual([200, null])
  })

  test('a write that expects another version is answered 412', async () => {
    const seen: unknown[] = []
    const mismatch = new ServiceError('failed_precondition', 'it has changed', { reason: 'version_mismatch' })
    await using demo = await start({
      putNote: (arrival) => {
        seen.push(Reflect.get(arrival.decode() as object, 'expected'))
        return fail(mismatch)
      },
    })
    const put = async (expected?: string) => {
      const headers = { ...jsonHeaders, ...(expected !== undefined && { 'if-match': expected }) }
      return fetch(`${demo.url}/v1/notes/1`, { ...json([], 'PUT'), headers })
    }
    const reply = await put('"2"')
    expect([reply.status, await jsonOf(reply)]).toMatchObject([
      412,
      { title: 'Precondition Failed', code: 'failed_precondition', reason: 'version_mismatch' },
    ])
    await put('*')
    await put()
    expect(seen).toEqual(['2', undefined, undefined])
  })

  test('a condition that is none is a malformed header', async () => {
    await using demo = await start()
    const headers = { ...jsonHeaders, 'if-match': '2' }
    const reply = await fetch(`${demo.url}/v1/notes/1`, { ...json([], 'PUT'), headers })
    expect([reply.status, await jsonOf(reply)]).toMatchObject([400, { reason: 'malformed_header' }])
    const weak = await fetch(`${demo.url}/v1/notes/1`, {
      ...json([], 'PUT'),
      headers: { ...headers, 'if-match': 'W/"2"' },
    })
    expect(weak.status).toBe(412)
  })
})

describe('replies', () => {
  test('201 names where the new thing is, and keeps its body', async () => {
    await using demo = await start({ createNote: () => succeed(note) })
    const reply = await fetch(`${demo.url}/v1/notes`, json({}))
    expect([reply.status, reply.headers.get('location'), await jsonOf(reply)]).toEqual([
      201,
      '/v1/notes/%C3%BC%201',
      note,
    ])
  })

  test('a redirect is nothing but its address', async () => {
    await using demo = await start({ moveNote: () => succeed(note) })
    const reply = await fetch(`${demo.url}/v1/moved/1`, { redirect: 'manual', headers: { accept: 'image/png' } })
    expect([reply.status, reply.headers.get('location'), reply.headers.get('content-type')]).toEqual([
      308,
      '/v1/notes/%C3%BC%201',
      null,
    ])
    expect(await reply.text()).toBe('')
  })

  test('a redirect without an address is an internal error', async () => {
    await using demo = await start({ moveNote: () => succeed({}) })
    const reply = await fetch(`${demo.url}/v1/moved/1`, { redirect: 'manual' })
    expect([reply.status, demo.logged.length]).toEqual([500, 1])
  })

  test('a status without content has none, whatever the output is', async () => {
    await using demo = await start({ dropNote: () => succeed(note) })
    const reply = await fetch(`${demo.url}/v1/notes/1`, { method: 'DELETE' })
    expect([reply.status, reply.headers.get('content-type'), await reply.text()]).toEqual([204, null, ''])
  })

  test('of a deprecated operation say so, also when it fails', async () => {
    await using demo = await start({ getNote: () => fail(new ServiceError('not_found', 'none')) })
    const reply = await fetch(`${demo.url}/v1/notes/1`)
    const said = ['deprecation', 'sunset', 'link'].map((name) => reply.headers.get(name))
    expect([reply.status, ...said]).toEqual([
      404,
      '@1767225600',
      'Fri, 01 Jan 2027 00:00:00 GMT',
      '<https://example.com/moves>; rel="deprecation"',
    ])
  })

  test('carry the id of the call where the caller named one, or the call failed', async () => {
    await using demo = await start({ picture: () => fail(new ServiceError('not_found', 'none')) })
    const idOf = async (path: string, headers = {}) =>
      (await fetch(`${demo.url}${path}`, { headers })).headers.get('x-request-id')
    expect(await idOf('/v1/notes/1')).toBeNull()
    expect(await idOf('/v1/notes/1', { 'x-request-id': 'mine' })).toBe('call-1')
    expect(await idOf('/v1/picture')).toBe('call-1')
  })
})

describe('requests that cannot be answered', () => {
  test('one that takes nothing of what there is, is answered 406, in a form it may not like', async () => {
    await using demo = await start({
      picture: async (arrival) => {
        const read = await echo(arrival)
        return read.ok ? succeed(Buffer.of(1)) : read
      },
    })
    const ask = async (path: string, accept: string) => {
      const reply = await fetch(`${demo.url}${path}`, { headers: { accept } })
      return [reply.status, reply.headers.get('content-type')?.split(';')[0]]
    }
    expect(await ask('/v1/notes/1', 'text/html')).toEqual([406, 'application/problem+json'])
    expect(await ask('/v1/notes/1', 'text/html, application/*;q=0.2')).toEqual([200, 'application/json'])
    expect(await ask('/v1/picture', 'image/*')).toEqual([200, 'image/png'])
    expect(await ask('/v1/picture', 'application/json')).toEqual([406, 'application/json'])
    const reply = await fetch(`${demo.url}/v1/notes/1`, { headers: { accept: 'text/html' } })
    expect(await jsonOf(reply)).toMatchObject({ code: 'invalid_argument', reason: 'not_acceptable' })
  })

  test('one of a wrong type, charset or coding is told what is taken', async () => {
    await using demo = await start()
    const post = async (headers: Record<string, string>) => {
      const reply = await fetch(`${demo.url}/v1/notes`, { method: 'POST', body: '{}', headers })
      return [reply.status, ...['accept', 'accept-post', 'accept-encoding'].map((name) => reply.headers.get(name))]
    }
    const types = [415, 'application/json', 'application/json', null]
    expect(await post({ 'content-type': 'text/xml' })).toEqual(types)
    expect(await post({ 'content-type': 'application/json; charset=latin1' })).toEqual(types)
    expect(await post({ 'content-type': 'application/json', 'content-encoding': 'gzip' })).toEqual([
      415,
      null,
      null,
      'identity',
    ])
    expect(await post({ 'content-type': 'application/json; charset=UTF-8' })).toEqual([201, null, null, null])
  })

  test('one whose path or query is not percent-encoded as it should be is malformed', async () => {
    await using demo = await start()
    const ask = async (target: string) => {
      const said = await talk(demo.port, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
      return [said.slice(9, 12), /"reason":"(\w+)"/.exec(said)?.[1]]
    }
    for (const target of ['/v1/notes/%', '/v1/notes/%zz', '/v1/notes/%ff', '/v1/tenants/%C3/notes/1'])
      expect([target, await ask(target)]).toEqual([target, ['400', 'malformed_request']])
    for (const target of ['/v1/notes/1?a=%', '/v1/notes/1?%zz', '/v1/notes/1?tenant=%ff', '/v1/moved/1?x=%C3'])
      expect([target, await ask(target)]).toEqual([target, ['400', 'malformed_request']])
    for (const target of ['/v1/notes/%25?tenant=100%25', '/v1/notes/1?tenant=a+b%20c', '/v1/notes/1?'])
      expect([target, await ask(target)]).toEqual([target, ['200', undefined]])
  })

  test('a body verb without a length has an empty body, and a GET with a body is read without it', async () => {
    await using demo = await start()
    const head = 'host: x\r\nconnection: close\r\n'
    expect(await talk(demo.port, `POST /v1/notes HTTP/1.1\r\n${head}\r\n`)).toMatch(/^HTTP\/1.1 201 [^]*\{\}$/)
    const body = 'content-type: application/json\r\ncontent-length: 15\r\n\r\n{"tenant":"no"}'
    const said = await talk(demo.port, `GET /v1/notes/1 HTTP/1.1\r\n${head}${body}`)
    expect(said).toMatch(/^HTTP\/1.1 200 [^]*\{"noteId":"1"\}$/)
  })

  test('of two members with one name the last counts', async () => {
    await using demo = await start()
    const body = '{"size":1,"size":2}'
    const reply = await fetch(`${demo.url}/v1/notes`, { ...json({}), body })
    expect(await jsonOf(reply)).toEqual({ size: 2 })
  })
})
