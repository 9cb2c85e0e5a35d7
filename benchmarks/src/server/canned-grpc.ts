import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { largeCall, smallCall, streamCall } from '../load/grpc-call.ts'
import { ready } from './ready.ts'

const replies = new Map([smallCall, largeCall, streamCall].map(({ path, reply }) => [path, reply]))

/** What nothing can be faster than on Node's HTTP/2: requests are read and never looked at, a reply is there already, in one piece. */
const server = createServer()
server.on('stream', (stream, { ':path': path = '' }) => {
  stream.resume()
  stream.once('end', () => answer(stream, replies.get(path)))
})
server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port))

function answer(stream: ServerHttp2Stream, reply: Buffer | undefined): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': reply ? 0 : 12 }))
  stream.end(reply)
}
