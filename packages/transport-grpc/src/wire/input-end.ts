import { subscribe } from 'node:diagnostics_channel'
import type { ClientHttp2Stream } from 'node:http2'
import type { Metadata } from '@grpc/grpc-js'

/** Metadata of a call whose caller never half-closes what it breaks off. */
export const inputEndName = 'tenon-input-end'
const wholeInput = 'whole'

/** Whether the end of the input is the caller's word that it was all. */
export function provesInputEnd(metadata: Metadata): boolean {
  return metadata.get(inputEndName)[0] === wholeInput
}

/**
 * Makes the half-close of a call mean that its input is complete, and tells the callee so: a call that is broken off, by whatever
 * in grpc-js, is reset without it.
 */
export function proveInputEnd(metadata: Metadata): void {
  if (!isWatching) {
    isWatching = true
    subscribe('http2.client.stream.created', keepOpenWhenAborted)
  }
  metadata.set(inputEndName, wholeInput)
}

let isWatching = false

/**
 * Node ends the writable side of a stream right after it has said that the stream is aborted, and only then resets it. grpc-js
 * hands its streams to nobody, so they are taken from the channel on which Node announces each of them.
 *
 * @see Node.js, lib/internal/http2/core.js, closeStream(), of 22.19 and 24.21; doc/api/diagnostics_channel.md
 */
function keepOpenWhenAborted(message: unknown): void {
  const { stream, headers } = message as { stream: ClientHttp2Stream; headers?: object }
  if (headers === undefined || !(inputEndName in headers)) return
  stream.once('aborted', () => {
    stream.end = () => stream
  })
}
