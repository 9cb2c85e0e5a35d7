import { PassThrough } from 'node:stream'
import { ServiceError } from '@tenon/core/transport'
import { afterEach, expect, test, vi } from 'vitest'
import { BodyReader } from './read-body.ts'

afterEach(() => void vi.useRealTimers())

/** What became of a body. */
function readFrom(reader: BodyReader, payload: PassThrough, headers: Record<string, string> = {}) {
  const { promise, resolve } = Promise.withResolvers<readonly [error: Error | null, body: Buffer | undefined]>()
  reader.read({ headers }, payload, (error, body) => resolve([error, body]))
  return promise
}

const limits = { limitBytes: 4, timeoutMs: undefined }
const tooLarge = { code: 'resource_exhausted', reason: 'body_too_large', message: 'the body must be at most 4 bytes' }

test('a body is handed over whole', async () => {
  const payload = new PassThrough()
  const read = readFrom(new BodyReader(limits), payload)
  payload.write('ab')
  payload.end('cd')
  expect(await read).toEqual([null, Buffer.from('abcd')])
})

test('a body over the limit is refused by its declared length, or as soon as more has come', async () => {
  const declared = new PassThrough()
  expect((await readFrom(new BodyReader(limits), declared, { 'content-length': '5' }))[0]).toMatchObject(tooLarge)
  expect(declared.listenerCount('data')).toBe(0)
  const payload = new PassThrough()
  const read = readFrom(new BodyReader(limits), payload)
  payload.write('abcd')
  payload.write('e')
  expect((await read)[0]).toMatchObject(tooLarge)
  expect([payload.listenerCount('data'), payload.listenerCount('error')]).toEqual([0, 0])
})

test('a caller who leaves before the body is complete is gone; a body that a plugin cannot read is undecodable', async () => {
  const payload = new PassThrough()
  const read = readFrom(new BodyReader(limits), payload)
  payload.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  expect((await read)[0]).toMatchObject({ code: 'cancelled' })
  const zipped = new PassThrough()
  const broken = readFrom(new BodyReader(limits), zipped)
  zipped.destroy(new Error('no gzip header'))
  expect((await broken)[0]).toMatchObject({ code: 'invalid_argument', reason: 'undecodable' })
})

test('a body that does not arrive in time is refused, one that did is not', async () => {
  vi.useFakeTimers()
  const reader = new BodyReader({ limitBytes: 4, timeoutMs: 300_000 })
  const complete = new PassThrough()
  const read = readFrom(reader, complete)
  complete.end('a')
  await read
  expect(vi.getTimerCount()).toBe(0)
  const late = readFrom(reader, new PassThrough())
  vi.advanceTimersByTime(300_000)
  expect((await late)[0]).toMatchObject({ code: 'deadline_exceeded', reason: 'request_timeout' })
})

test('only bodies that still arrive are refused', async () => {
  const reader = new BodyReader(limits)
  const complete = new PassThrough()
  const arriving = new PassThrough()
  const reads = [readFrom(reader, complete), readFrom(reader, arriving)]
  complete.end('a')
  expect(await reads[0]).toEqual([null, Buffer.from('a')])
  const error = new ServiceError('unavailable', 'no')
  reader.refuseAll(error)
  reader.refuseAll(new ServiceError('internal', 'twice'))
  expect(await reads[1]).toEqual([error, undefined])
})
