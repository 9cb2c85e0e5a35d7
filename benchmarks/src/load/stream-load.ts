import { get } from 'node:http'
import { Client, credentials } from '@grpc/grpc-js'

/** Reads a stream to its end. Gives a value for each item. */
export type ReadStream = (port: number, itemCount: number) => AsyncIterable<void>

/** One line of NDJSON is one item. */
export async function* readHttpStream(port: number, itemCount: number): AsyncGenerator<void> {
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    const headers = { accept: 'application/x-ndjson' }
    get({ port, host: '127.0.0.1', path: `/numbers?count=${itemCount}`, headers }, resolve).on('error', reject)
  })
  for await (const chunk of response) {
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) yield
  }
}

const newline = 0x0a

/** The items stay bytes. */
export async function* readGrpcStream(port: number, itemCount: number): AsyncGenerator<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const path = '/bench.v1.NumberService/CountTo'
  try {
    const items = client.makeServerStreamRequest(path, encodeCount, same, itemCount)
    for await (const _ of items) yield
  } finally {
    client.close()
  }
}

/** Field 1 as a varint. */
function encodeCount(count: number): Buffer {
  const bytes = [0x08]
  for (let rest = count; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
