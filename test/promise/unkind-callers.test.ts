import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { eventually } from '@tenon/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type SlowProcess, startSlowProcess } from './slow-process.ts'

const environment = { DEREGISTER_DELAY_MS: '0' }

describe('SIGTERM is not held up', { timeout: 30_000 }, () => {
  test('by a caller that pipelined calls and left before they were answered', async () => {
    await using slow = await startSlowProcess(environment)
    const socket = connectTo(slow)
    const body = JSON.stringify({ name: 'pipelined' })
    const request = `POST /v1/work HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    socket.write(request + request)
    await eventually(() => expect(slow.events('began')).toHaveLength(2))
    socket.destroy()
    await eventually(() => expect(slow.events('left')).toHaveLength(2))
    // The handlers answer nobody now.
    slow.release()
    await eventually(() => expect(slow.events('ended')).toHaveLength(2))
    slow.process.child.kill('SIGTERM')
    expect(await slow.process.ended).toBe(0)
  })

  test('by an upload that stands still: its caller is told to come back', async () => {
    await using slow = await startSlowProcess(environment)
    const socket = connectTo(slow)
    const head = 'POST /v1/work HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 38'
    socket.write(`${head}\r\nexpect: 100-continue\r\n\r\n`)
    const [said] = (await once(socket, 'data')) as [string]
    expect(said).toMatch(/^HTTP\/1.1 100/)
    socket.write('{')
    slow.process.child.kill('SIGTERM')
    const answer = await readAll(socket)
    expect(answer).toMatch(/^HTTP\/1.1 503 [^]*"reason":"draining"/)
    expect(await slow.process.ended).toBe(0)
  })
})

test('SIGTERM lets a large answer go out to a slow reader over gRPC', { timeout: 30_000 }, async () => {
  await using slow = await startSlowProcess(environment)
  const session = connectHttp2(`http://${slow.at('grpc')}`)
  onTestFinished(() => session.destroy())
  const reply = session.request({
    ':path': '/test.slow.v1.SlowService/Big',
    ':method': 'POST',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const trailers = once(reply, 'trailers') as Promise<[Readonly<Record<string, string>>]>
  // A message without fields, not compressed.
  reply.end(Buffer.from([0, 0, 0, 0, 0]))
  await once(reply, 'readable')
  slow.process.child.kill('SIGTERM')
  await eventually(async () => expect((await slow.ping()).status).toBe(503))
  // All transports are there until the answer is out; one that takes it for sent closes them now.
  for (let count = 0; count < 50; count += 1) expect((await slow.ping()).status).toBe(503)
  let receivedBytes = 0
  for await (const chunk of reply) receivedBytes += (chunk as Buffer).length
  expect(receivedBytes).toBeGreaterThan(8_000_000)
  expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0' })
  session.close()
  expect(await slow.process.ended).toBe(0)
})

function connectTo(slow: SlowProcess): Socket {
  const { hostname, port } = new URL(`http://${slow.at('http')}`)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return socket
}

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}
