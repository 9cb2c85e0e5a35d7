import { expect, test } from 'vitest'
import { type ItemsWriter, SentItems } from './sent-items.ts'
import { loadFormParser } from '../input/form-parser.ts'
import { FormWriter } from './write-form.ts'

const lines: ItemsWriter = {
  contentType: 'application/x-ndjson',
  begin: Buffer.from('\n'),
  write: (item) => Buffer.from(`${JSON.stringify(item)}\n`),
  end: () => undefined,
}

/** A source that knows how often it was asked, and whether it was closed. */
function source(count: number) {
  const state = { askedCount: 0, isClosed: false }
  const items: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        state.askedCount += 1
        return state.askedCount > count ? { done: true, value: undefined } : { done: false, value: state.askedCount }
      },
      return: async () => {
        state.isClosed = true
        return { done: true, value: undefined }
      },
    }),
  }
  return { state, items }
}

function send(items: AsyncIterable<unknown>, writer: ItemsWriter = lines) {
  const failures: unknown[] = []
  const sent = new SentItems(items, (error) => void failures.push(error))
  return { failures, sent: sent.writeBy(writer, (item) => writer.write(item as never)) }
}

const textOf = ({ value }: IteratorResult<Uint8Array>) => Buffer.from(value ?? []).toString()

test('items that come without a pause are sent together, a batch at a time and no sooner than it is taken', async () => {
  const { state, items } = source(5)
  const { sent } = send(items, { ...lines, write: () => new Uint8Array(6_000) })
  expect(textOf(await sent.next())).toBe('\n')
  expect(state.askedCount).toBe(0)
  expect((await sent.next()).value).toHaveLength(18_000)
  await new Promise(setImmediate)
  expect(state.askedCount).toBe(3)
  expect((await sent.next()).value).toHaveLength(12_000)
  expect([await sent.next(), await sent.next()]).toMatchObject([{ done: true }, { done: true }])
  sent.end()
  expect(state).toEqual({ askedCount: 6, isClosed: false })
})

test('an item is sent as soon as the next one lets wait for itself', async () => {
  const second = Promise.withResolvers<void>()
  const { sent } = send(
    (async function* () {
      yield 1
      await second.promise
      yield 2
    })(),
  )
  await sent.next()
  expect(textOf(await sent.next())).toBe('1\n')
  second.resolve()
  expect(textOf(await sent.next())).toBe('2\n')
  expect(await sent.next()).toMatchObject({ done: true })
})

test('the first item may be looked at before it is sent', async () => {
  const { sent } = send(source(2).items)
  expect(await sent.peek()).toBe(1)
  expect([textOf(await sent.next()), textOf(await sent.next())]).toEqual(['\n', '1\n2\n'])
  const { sent: none } = send(source(0).items)
  expect(await none.peek()).toBeUndefined()
  await none.next()
  expect(await none.next()).toMatchObject({ done: true })
})

test('the end of the call closes the source, and is not kept waiting by one that has nothing to give', async () => {
  let isClosed = false
  const never: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        isClosed = true
        return { done: true, value: undefined }
      },
    }),
  }
  const { sent } = send(never)
  await sent.next()
  const waiting = sent.next()
  sent.end()
  expect(await waiting).toMatchObject({ done: true })
  expect(isClosed).toBe(true)
  const { sent: peeking } = send(never)
  const peeked = peeking.peek()
  await peeking.return()
  expect(await peeked).toBeUndefined()
})

test('what the source or the writer throws is told, and the source closed in the second case', async () => {
  const error = new Error('out of paper')
  const broken: AsyncIterable<unknown> = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) }
  const { sent, failures } = send(broken)
  await sent.next()
  expect(await sent.next()).toMatchObject({ done: true })
  expect(failures).toEqual([error])
  const { state, items } = source(1)
  const refusing = send(items, {
    ...lines,
    write: () => {
      throw error
    },
  })
  await refusing.sent.next()
  expect(await refusing.sent.next()).toMatchObject({ done: true })
  expect([refusing.failures, state.isClosed]).toEqual([[error], true])
})

async function writeForm(items: readonly object[]) {
  const writer = new FormWriter()
  const { sent, failures } = send(
    (async function* () {
      yield* items
    })(),
    writer,
  )
  let text = ''
  for await (const chunk of sent) text += Buffer.from(chunk).toString()
  const boundary = /boundary=(.+)$/.exec(writer.contentType)?.[1] ?? ''
  return { text: text.replaceAll(boundary, 'B'), failures }
}

test('a form has a head for each part, its content in pieces, and an end', async () => {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text))
  const { text } = await writeForm([
    { part: { name: 'note' }, chunk: bytes('hel') },
    { chunk: bytes('lo') },
    { part: { name: 'photo', filename: 'my "best" \u00e9.png', contentType: 'image/png' } },
    { chunk: bytes('\r\n') },
  ])
  expect(text).toBe(
    '--B\r\ncontent-disposition: form-data; name="note"\r\n\r\nhello' +
      '\r\n--B\r\ncontent-disposition: form-data; name="photo"; filename="my %22best%22 \u00e9.png"\r\ncontent-type: image/png\r\n\r\n\r\n' +
      '\r\n--B--\r\n',
  )
  expect((await writeForm([])).text).toBe('--B--\r\n')
})

test.each(['a"b', 'a\\', 'a\\\\b', 'a\\"b', 'é; x=1', ''])('the name %s comes as it was sent', async (name) => {
  const { text } = await writeForm([{ part: { name, filename: name }, chunk: new Uint8Array(Buffer.from('1')) }])
  const form = (await loadFormParser())({ boundary: 'B', maxPartCount: 1 })
  await form.write(Buffer.from(text))
  const filename = name.split('\\').at(-1)
  expect(form.take()).toEqual({ part: { name, filename, contentType: 'text/plain' } })
})

test('a form whose part would write a header of its own is refused, as is content without a part', async () => {
  const violation = (field: string) => ({ code: 'invalid_argument', details: { violations: [{ field }] } })
  for (const field of ['name', 'filename', 'contentType']) {
    const { failures } = await writeForm([{ part: { name: 'a', [field]: 'x\r\nx-evil: 1' } }])
    expect(failures).toMatchObject([violation(`/part/${field}`)])
  }
  expect((await writeForm([{ chunk: new Uint8Array(1) }])).failures).toMatchObject([violation('/chunk')])
})
