import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { compileItemsReader } from './read-items.ts'

const limitBytes = 20
const ndjson = { 'content-type': 'application/x-ndjson' }

function itemsOf(body: Readable, headers: Record<string, string> = ndjson): AsyncIterator<unknown> {
  return compileItemsReader(limitBytes)({ headers, query: {}, body })[Symbol.asyncIterator]()
}

/** A body that comes in these pieces. */
function bodyOf(...chunks: readonly (string | Buffer)[]): Readable {
  return Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  )
}

async function all(body: Readable, headers?: Record<string, string>): Promise<readonly unknown[]> {
  const items: unknown[] = []
  const iterator = itemsOf(body, headers)
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) items.push(step.value)
  return items
}

test('each line is an item, wherever the pieces are cut, also the last one without an end', async () => {
  const text = Buffer.from('{"a":"ü"}\r\n\n2\n \t\n[3,\t4]\n"💧"')
  const items = [{ a: 'ü' }, 2, [3, 4], '💧']
  for (let cut = 0; cut <= text.length; cut += 1)
    expect([cut, await all(bodyOf(text.subarray(0, cut), text.subarray(cut)))]).toEqual([cut, items])
  expect(await all(bodyOf(...[...text].map((byte) => Buffer.of(byte))))).toEqual(items)
})

test('no body is no items', async () => {
  expect(await all(bodyOf())).toEqual([])
  expect(await all(bodyOf('\n\r\n'))).toEqual([])
  const none = compileItemsReader(limitBytes)({ headers: {}, query: {}, body: undefined })
  expect(await none[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
})

test('only lines of JSON are a stream of items', async () => {
  expect(await all(bodyOf('1'), { 'content-type': 'Application/X-NDJSON ; charset=utf-8' })).toEqual([1])
  const refused: readonly Record<string, string>[] = [
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'application/x-ndjsons' },
    { ...ndjson, 'content-encoding': 'gzip' },
  ]
  for (const headers of refused)
    expect(() => itemsOf(bodyOf('1'), headers)).toThrow(expect.objectContaining({ reason: 'unsupported_media_type' }))
})

test.each([
  ['what is no JSON', '{"a":}'],
  ['two values', '1 2'],
  ['what is no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
])('a line of %s is named by its place', async (_what, line) => {
  const iterator = itemsOf(bodyOf('1\n\n2\n', line, '\n3\n'))
  await iterator.next()
  await iterator.next()
  await expect(iterator.next()).rejects.toMatchObject({
    code: 'invalid_argument',
    reason: 'undecodable',
    details: { violations: [{ field: '/2', message: 'must be JSON', rule: 'json' }] },
  })
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test('a line that is too long is refused before its end has come', async () => {
  const body = new PassThrough()
  const iterator = itemsOf(body)
  body.write(`"${'x'.repeat(18)}"\n"`)
  expect(await iterator.next()).toMatchObject({ value: 'x'.repeat(18) })
  const next = iterator.next()
  body.write('x'.repeat(20))
  await expect(next).rejects.toMatchObject({
    code: 'resource_exhausted',
    reason: 'body_too_large',
    details: { violations: [{ field: '/1', message: 'must be at most 20 bytes', rule: 'maxBytes' }] },
  })
})

test('a body that ends before it is complete ends the stream with what happened', async () => {
  for (const [error, code] of [
    [undefined, 'cancelled'],
    [Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), 'cancelled'],
    [new Error('no gzip header'), 'invalid_argument'],
  ] as const) {
    const body = new PassThrough()
    const iterator = itemsOf(body)
    body.write('1\n2')
    expect(await iterator.next()).toMatchObject({ value: 1 })
    const waiting = iterator.next()
    body.destroy(error)
    await expect(waiting).rejects.toMatchObject({ code })
  }
})

test('a body that is lost while nobody waits for it hurts nobody', async () => {
  const body = new PassThrough()
  const iterator = itemsOf(body)
  body.write('1\n')
  await iterator.next()
  body.destroy(new Error('lost'))
  await new Promise<void>((resolve) => body.once('close', resolve))
  await expect(iterator.next()).rejects.toMatchObject({ code: 'invalid_argument' })
})

test('what comes after the reader has stopped is dropped', async () => {
  const body = new PassThrough({ highWaterMark: 4 })
  const iterator = itemsOf(body)
  body.write('1\n')
  await iterator.next()
  await iterator.return?.()
  const ended = once(body, 'end')
  body.end('2\n'.repeat(100))
  await ended
})
