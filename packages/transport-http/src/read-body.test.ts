import { PassThrough } from 'node:stream'
import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { BodyReader } from './read-body.ts'

/** What became of a body. */
function readFrom(reader: BodyReader, payload: PassThrough, headers: Record<string, string> = {}) {
  const { promise, resolve } = Promise.withResolvers<readonly [error: Error | null, body: Buffer | undefined]>()
  reader.read({ headers }, payload, (error, body) => resolve([error, body]))
  return promise
}

const tooLarge = { code: 'resource_exhausted', reason: 'body_too_large', message: 'the body must be at most 4 bytes' }

test('a body is handed over whole', async () => {
  const payload = new PassThrough()
  const read = readFrom(new BodyReader(4), payload)
  payload.write('ab')
  payload.end('cd')
  expect(await read).toEqual([null, Buffer.from('abcd')])
})

test('a body over the limit is refused by its declared length, or as soon as more has come', async () => {
  const declared = new PassThrough()
  expect((await readFrom(new BodyReader(4), declared, { 'content-length': '5' }))[0]).toMatchObject(tooLarge)
  expect(declared.listenerCount('data')).toBe(0)
  const payload = new PassThrough()
  const read = readFrom(new BodyReader(4), payload)
  payload.write('abcd')
  payload.write('e')
  expect((await read)[0]).toMatchObject(tooLarge)
  expect([payload.listenerCount('data'), payload.listenerCount('error')]).toEqual([0, 0])
})

test('a caller who leaves before the body is complete is told nothing of what went wrong', async () => {
  const payload = new PassThrough()
  const read = readFrom(new BodyReader(4), payload)
  payload.destroy(new Error('aborted'))
  expect((await read)[0]).toMatchObject({ code: 'cancelled' })
})

test('only bodies that still arrive are refused', async () => {
  const reader = new BodyReader(4)
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
