import { expect, test } from 'vitest'
import { loadFormParser, maxHeadBytes } from './form-parser.ts'

const openForm = await loadFormParser()
const boundary = 'x-b'

interface Part {
  readonly name: string
  readonly filename?: string | undefined
  readonly contentType?: string | undefined
  readonly content: Buffer
}

/** What a form in these pieces holds. */
async function partsIn(pieces: readonly (string | Buffer)[], named = boundary): Promise<readonly Part[]> {
  const form = openForm({ boundary: named, maxPartCount: 10 })
  const parts: Part[] = []
  const takeAll = () => {
    for (let event = form.take(); event !== undefined; event = form.take()) {
      if ('part' in event) parts.push({ ...event.part, content: Buffer.alloc(0) })
      else parts.push(longer(parts.pop(), event.chunk))
    }
  }
  for (const piece of pieces) {
    await form.write(Buffer.from(piece))
    takeAll()
  }
  await form.end()
  takeAll()
  return parts
}

function longer(part: Part | undefined, chunk: Buffer): Part {
  if (part === undefined) throw new Error('content before any part')
  return { ...part, content: Buffer.concat([part.content, chunk]) }
}

const field = (name: string, content: string) => ({ name, content: Buffer.from(content) })
const head = (disposition: string, ...more: readonly string[]) =>
  [`Content-Disposition: ${disposition}`, ...more].join('\r\n')
const form = (...parts: readonly string[]) =>
  `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`
const part = (name: string, content: string, ...more: readonly string[]) =>
  `${head(`form-data; name="${name}"`, ...more)}\r\n\r\n${content}`

/** The same numbers each time. */
function numbers(): (below: number) => number {
  let seed = 7
  return (below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return (seed >>> 8) % below
  }
}

function cut(bytes: Buffer, nextLength: () => number): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + nextLength()
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

test('a form is the same, wherever its pieces are cut', async () => {
  const text = Buffer.from(form(part('a', '1\r\n--x-\r\n\r-b'), part('ü', ''), part('c', '\r\n-', 'x-other: 1')))
  const found = [field('a', '1\r\n--x-\r\n\r-b'), field('ü', ''), field('c', '\r\n-')]
  for (let at = 0; at <= text.length; at += 1)
    expect([at, await partsIn([text.subarray(0, at), text.subarray(at)])]).toEqual([at, found])
  expect(await partsIn(cut(text, () => 1))).toEqual(found)
})

test('it reads what undici writes, cut at random', async () => {
  const random = numbers()
  for (let round = 0; round < 60; round += 1) {
    const data = new FormData()
    const expected: Part[] = []
    for (let count = random(4); count >= 0; count -= 1) {
      const content = Buffer.from(
        Array.from({ length: random(300) }, () => [13, 10, 45, 45, random(256)][random(5)] ?? 0),
      )
      const filename = ['a "b".png', 'ünï.txt', "it's; a=b"][random(3)] ?? ''
      data.append('f"ile', new Blob([content], { type: 'image/png' }), filename)
      expected.push({ name: 'f"ile', filename, contentType: 'image/png', content })
      data.append('plain', `value ${round}`)
      expected.push(field('plain', `value ${round}`))
    }
    const reply = new Response(data)
    const [, named = ''] = /boundary=(.*)$/.exec(reply.headers.get('content-type') ?? '') ?? []
    expect(
      await partsIn(
        cut(Buffer.from(await reply.arrayBuffer()), () => 1 + random(90)),
        named,
      ),
    ).toEqual(expected)
  }
})

test.each([
  ['around it', `before\r\n--x-\r\n${form(part('a', '1'))}after`, [field('a', '1')]],
  ['another form', `${form(part('a', '1'))}\r\n${form(part('b', '1'))}`, [field('a', '1')]],
  ['nothing in it', `--${boundary}--`, []],
  ['twice nothing', `--${boundary}--\r\n\r\n--${boundary}--\r\n`, []],
])('a form is read to its end, and no further, with %s', async (_what, text, found) => {
  expect(await partsIn([text])).toEqual(found)
  for (let at = 1; at < text.length; at += 1)
    expect([at, await partsIn([text.slice(0, at), text.slice(at)])]).toEqual([at, found])
})

test.each<readonly [disposition: string, expected: { readonly name: string; readonly filename?: string }]>([
  ['form-data; name=a', { name: 'a' }],
  ['form-data; name=""; filename=""', { name: '', filename: '' }],
  ['form-data; name="a;b=c"; size=3', { name: 'a;b=c' }],
  ['form-data; name="%22a%22%0D%0A%41"', { name: '"a"%0D%0A%41' }],
  ['form-data; name="a\\"b\\\\c"; filename="d\\"e.txt"', { name: 'a"b\\c', filename: 'd"e.txt' }],
  ["form-data; name=a; filename*=UTF-8''%e2%82%ac.txt", { name: 'a', filename: '€.txt' }],
  ['form-data; name="__proto__"', { name: '__proto__' }],
  ['form-data; name="constructor"', { name: 'constructor' }],
  ['form-data; name="a"; filename="../../etc/passwd"', { name: 'a', filename: 'passwd' }],
  ["form-data; name=a; filename*=utf-8''..%2F..%2Fpasswd", { name: 'a', filename: 'passwd' }],
  ['form-data; name="a"; filename="C:\\temp\\b.txt"', { name: 'a', filename: 'b.txt' }],
  ['form-data; name="a"; filename="b/.."', { name: 'a', filename: '' }],
])('the head %s is read', async (disposition, expected) => {
  const [found] = await partsIn([form(`${head(disposition)}\r\n\r\n`)])
  expect(found).toMatchObject(expected)
  expect(found?.filename).toBe(expected.filename)
})

test.each([
  ['a field of text', [], undefined],
  ['a field of plain text', ['content-type: text/plain'], undefined],
  ['a field of JSON', ['Content-Type: Application/JSON; charset=utf-8'], 'application/json'],
])('%s has its type, without parameters', async (_what, lines, contentType) => {
  expect(await partsIn([form(part('a', '1', ...lines))])).toEqual([
    { ...field('a', '1'), ...(contentType !== undefined && { contentType }) },
  ])
})

test('a file of no type is plain text', async () => {
  const [found] = await partsIn([form(`${head('form-data; name="a"; filename="b"')}\r\n\r\n1`)])
  expect(found).toMatchObject({ contentType: 'text/plain' })
})

test.each([
  ['no header', '\r\n1'],
  ['no disposition', 'content-type: text/plain\r\n\r\n1'],
  ['another disposition', `${head('attachment; name="a"')}\r\n\r\n1`],
  ['a bare line feed in its first line', `x: 1\ny: 2\r\n${part('a', '1')}`],
])('a part with %s is none', async (_what, text) => {
  expect(await partsIn([form(part('a', '1'), text, part('b', '2'))])).toEqual([field('a', '1'), field('b', '2')])
})

test.each([
  ['no name', `${head('form-data; filename="b"')}\r\n\r\n1`, 'name'],
  ['a null byte', part('a\0', '1'), 'control character'],
  ['a line break', `${head("form-data; name=a; filename*=utf-8''b%00c")}\r\n\r\n1`, 'control character'],
  ['encoded content', part('a', 'MQ==', 'content-transfer-encoding: base64'), 'base64'],
  ['no end', '', 'Unexpected end', `--${boundary}\r\n${part('b', '1')}`],
])('a part with %s is refused by its place, after what came before it', async (_what, bad, message, whole?: string) => {
  const opened = openForm({ boundary, maxPartCount: 10 })
  await opened.write(Buffer.from(`--${boundary}\r\n${part('a', '1')}\r\n${whole ?? form(bad)}`))
  expect([opened.take(), opened.take()]).toEqual([{ part: { name: 'a' } }, { chunk: Buffer.from('1') }])
  const rest = async () => {
    while (opened.take() !== undefined);
    await opened.end()
    while (opened.take() !== undefined);
  }
  await expect(rest()).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { violations: [{ field: '/parts/1', rule: 'multipart' }] },
  })
  await expect(rest()).rejects.toThrow(new RegExp(message, 'i'))
})

test.each([
  ['nothing but text', 'hello'],
  ['no end', `--${boundary}\r\n${part('a', '1')}`],
  ['an end that is cut', `--${boundary}\r\n${part('a', '1')}\r\n--${boundary}-`],
  ['a header without its end', `--${boundary}\r\n${head('form-data; name="a"')}`],
  ['a header that goes on for ever', `--${boundary}\r\n${'x: y\r\n'.repeat(5_000)}`],
])('a form of %s is refused', async (_what, text) => {
  await expect(partsIn([text])).rejects.toMatchObject({ code: 'invalid_argument' })
})

test('what a header has beyond its limit is passed over', async () => {
  const long = `x: ${'y'.repeat(maxHeadBytes)}`
  expect(await partsIn([form(part('a', '1', long, 'content-type: image/png'), part('b', '2'))])).toEqual([
    field('a', '1'),
    field('b', '2'),
  ])
})

test('a part more than there may be is refused after those that may', async () => {
  const opened = openForm({ boundary, maxPartCount: 1 })
  await opened.write(Buffer.from(form(part('a', '1'), part('b', '2'))))
  expect([opened.take(), opened.take()]).toEqual([{ part: { name: 'a' } }, { chunk: Buffer.from('1') }])
  expect(() => opened.take()).toThrow(expect.objectContaining({ code: 'resource_exhausted', reason: 'too_many_parts' }))
})

test('content goes on at once, but for what may be a boundary', async () => {
  const opened = openForm({ boundary, maxPartCount: 10 })
  await opened.write(Buffer.from(`--${boundary}\r\n${part('a', 'one\r\n--x')}`))
  expect([opened.take(), opened.take(), opened.take()]).toEqual([
    { part: { name: 'a' } },
    { chunk: Buffer.from('one') },
    undefined,
  ])
  await opened.write(Buffer.from('!'))
  const rest: Buffer[] = []
  for (let event = opened.take(); event !== undefined; event = opened.take())
    if ('chunk' in event) rest.push(event.chunk)
  expect(Buffer.concat(rest)).toEqual(Buffer.from('\r\n--x!'))
})

test('all parts of a piece can be taken when it is written, however large it is', async () => {
  const opened = openForm({ boundary, maxPartCount: 1_000 })
  const big = 'z'.repeat(300_000)
  await opened.write(
    Buffer.from(form(...Array.from({ length: 500 }, (_, at) => part(`p${at}`, '1')), part('big', big))),
  )
  let partCount = 0
  let lengthBytes = 0
  for (let event = opened.take(); event !== undefined; event = opened.take()) {
    if ('part' in event) partCount += 1
    else lengthBytes += event.chunk.length
  }
  expect([partCount, lengthBytes]).toEqual([501, 500 + big.length])
})
