import { once } from 'node:events'
import { connect } from 'node:net'
import { runInNewContext } from 'node:vm'
import { defineHandler, defineService } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { compileSchema } from '../../packages/core/src/schema/compiled-schema.ts'

const users = contract('demo.v1.UserService', {
  find: {
    input: Type.Object({ name: Type.String() }),
    output: Type.Object({ name: Type.String() }),
    http: 'POST /v1/find',
    access: { roles: ['reader'] },
  },
  mark: {
    input: Type.Object({ name: Type.String() }),
    output: Type.Object({}),
    http: 'POST /v1/mark',
    access: 'public',
  },
  fail: {
    input: Type.Object({ name: Type.String() }),
    output: Type.Object({}),
    http: 'POST /v1/fail',
    access: 'public',
  },
})

/** A service, and what it answers to raw bytes. */
async function serve() {
  const service = defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(users, () => ({
        find: async ({ name }) => ({ name }),
        mark: async ({ name }, call) => {
          call.setHeader('x-mark', name)
          return {}
        },
        fail: async ({ name }) => {
          throw new Error(`password=hunter2 of ${name}`)
        },
      })),
    ],
    authenticate: ({ metadata }) =>
      metadata['authorization'] === 'Bearer right' ? { id: 'ann', roles: ['reader'] } : undefined,
    transports: () => [httpTransport({ port: 0 })],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  const send = async (path: string, body: string, headers = '') => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    await once(socket, 'connect')
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n`
    socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text
  }
  return { send, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

it('headers that services send each other let nobody in', async () => {
  await using demo = await serve()
  const forged = ['x-tenon-principal: {"id":"root","roles":["reader"]}', 'x-tenon-caller: order', 'x-tenon-trusted: 1']
  const trace = ['traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'baggage: roles=reader']
  const reply = await demo.send('/v1/find', '{"name":"ann"}', [...forged, ...trace, ''].join('\r\n'))
  expect(reply).toMatch(/^HTTP\/1\.1 401 /)
  const right = await demo.send('/v1/find', '{"name":"ann"}', 'authorization: Bearer right\r\ntraceparent: 00-zz\r\n')
  expect(right).toMatch(/^HTTP\/1\.1 200 /)
})

it('a line feed in what callers send begins no header of the reply', async () => {
  await using demo = await serve()
  const reply = await demo.send('/v1/mark', JSON.stringify({ name: 'ann\r\nx-evil: 1' }))
  expect(reply).toMatch(/^HTTP\/1\.1 500 /)
  expect(reply.toLowerCase()).not.toContain('\r\nx-evil')
  expect(await demo.send('/v1/mark', '{"name":"ann"}')).toContain('\r\nx-mark: ann\r\n')
})

it('what a handler throws is told to no caller', async () => {
  await using demo = await serve()
  const reply = await demo.send('/v1/fail', '{"name":"ann"}')
  expect(reply).toContain('"code":"internal"')
  expect(reply).not.toMatch(/hunter2|forged-head|node_modules|\.ts/)
})

const hostile = [
  'a'.repeat(50_000),
  `${'a.'.repeat(25_000)}!`,
  `a@${'a-'.repeat(25_000)}!`,
  `${'1'.repeat(50_000)}!`,
  `${':'.repeat(50_000)}`,
]
const formats = [
  'date',
  'date-time',
  'time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'url',
  'uuid',
  'byte',
  'uri-reference',
  'json-pointer',
]

it.each(formats)('no text of 50,000 letters holds up the format %s', (format) => {
  const schema = compileSchema(Type.Object({ text: Type.String({ format }) }))
  // Bounded from outside: what backtracks without an end would hold up the test as well.
  const read = () => hostile.forEach((text) => schema.read({ text }))
  expect(() => runInNewContext('read()', { read }, { timeout: 20_000 })).not.toThrow()
})

it('a pattern that does backtrack is found that way', () => {
  const read = () => /^(a+)+$/.test(`${'a'.repeat(60)}!`)
  expect(() => runInNewContext('read()', { read }, { timeout: 100 })).toThrow('timed out')
})
