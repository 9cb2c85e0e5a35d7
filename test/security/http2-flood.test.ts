import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { setImmediate } from 'node:timers/promises'
import { defineHandler } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { certificate, privateKey } from '../../packages/transport-http/src/client/tls.test-harness.ts'
import { callFields, frame, frameType, headerBlock, preface, settings } from '../grpc/raw-connection.ts'
import { startTarget } from './target.ts'

const Empty = Type.Object({})
const waits = contract('test.v1.WaitService', {
  wait: { input: Empty, output: Empty, http: 'POST /v1/wait' },
  answer: { input: Empty, output: Empty, http: 'POST /v1/answer' },
})

/** A service over HTTP/2, and how many calls have begun that wait. */
async function serve() {
  let begunCount = 0
  const handler = defineHandler(waits, () => ({
    wait: async (_input, call) => {
      begunCount += 1
      if (!call.signal.aborted) await once(call.signal, 'abort')
      return {}
    },
    answer: async () => ({}),
  }))
  const transports = () => [httpTransport({ port: 0, http2: true, tls: { cert: certificate, key: privateKey } })]
  const target = await startTarget([handler], { transports })
  return { ...target, begun: () => begunCount }
}

function openSession(port: number): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  return session
}

async function isServed(port: number): Promise<boolean> {
  const session = openSession(port)
  const stream = session.request({ ':method': 'POST', ':path': '/v1/answer', 'content-type': 'application/json' })
  stream.end('{}')
  const [{ ':status': status }] = await once(stream, 'response')
  session.destroy()
  return status === 200
}

test('a caller of HTTP/2 that resets its calls as soon as they are open is cut off, and others are served', async () => {
  await using target = await serve()
  const session = openSession(target.httpPort)
  await once(session, 'remoteSettings')
  for (let count = 0; count < 20_000 && !session.closed && !session.destroyed; count += 1) {
    const stream = session.request({ ':method': 'POST', ':path': '/v1/wait', 'content-type': 'application/json' })
    stream.on('error', () => undefined)
    stream.write('{}', () => stream.close(constants.NGHTTP2_CANCEL))
    if (count % 10 === 0) await setImmediate()
  }
  expect(session.closed || session.destroyed).toBe(true)
  expect(target.begun()).toBeLessThan(5_000)
  expect(await isServed(target.httpPort)).toBe(true)
})

test.each([
  ['with fields', headerBlock([['a', 'b']])],
  ['without any', Buffer.alloc(0)],
])(
  'continuations of HTTP/2 that never end, %s, end their connection, and others are served',
  async (_what, payload) => {
    await using target = await serve()
    const socket: TLSSocket = connectTls({
      port: target.httpPort,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined).resume()
    await once(socket, 'secureConnect')
    const closed = once(socket, 'close')
    const head = frame({ type: frameType.headers, stream: 1, payload: headerBlock(callFields('/v1/answer')) })
    const more = frame({ type: frameType.continuation, stream: 1, payload })
    socket.write(Buffer.concat([preface, settings, head, ...Array.from({ length: 10_000 }, () => more)]))
    await closed
    expect(await isServed(target.httpPort)).toBe(true)
  },
)
