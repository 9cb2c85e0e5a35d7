import type { Readable } from 'node:stream'
import { lostBody } from './read-body.ts'

/**
 * The bytes of a body, each time when they are asked for, so that whoever does not ask holds the caller back. What is left when
 * nobody asks any more is dropped.
 *
 * @throws ServiceError `cancelled` when the caller leaves before the end of the body.
 */
export async function* chunksOf(payload: Readable): AsyncGenerator<Buffer> {
  // It may fail while nobody waits for it.
  payload.on('error', ignore)
  try {
    for (let chunk = await nextChunk(payload); chunk !== undefined; chunk = await nextChunk(payload)) yield chunk
  } finally {
    // A caller whose bytes were left where they are could not be seen to leave.
    payload.resume()
  }
}

/** The next bytes, or undefined at the end. Reads nothing ahead but what the stream keeps in its own buffer. */
async function nextChunk(payload: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: unknown = payload.read()
    if (Buffer.isBuffer(chunk)) return chunk
    if (typeof chunk === 'string') return Buffer.from(chunk)
    if (payload.readableEnded) return undefined
    if (payload.destroyed) throw lostBody(payload.errored)
    await changed(payload)
  }
}

const changes = ['readable', 'end', 'error', 'close'] as const

async function changed(payload: Readable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => resolve()
  for (const change of changes) payload.on(change, done)
  await promise
  for (const change of changes) payload.off(change, done)
}

function ignore(): void {}
