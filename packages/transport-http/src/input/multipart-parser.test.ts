import { expect, test } from 'vitest'
import { type FormEvent, maxHeadBytes, MultipartParser } from './multipart-parser.ts'

const boundary = 'x-b'

interface Part {
  readonly name: string
  readonly filename?: string | undefined
  readonly contentType?: string | undefined
  readonly content: Buffer
}

/** What a parser finds in these pieces. */
function partsIn(pieces: readonly (string | Buffer)[], named = boundary): readonly Part[] {
  const parser = new MultipartParser(named)
  const parts: Part[] = []
  for (const piece of pieces) for (const event of parser.push(Buffer.from(piece))) add(parts, event)
  parser.end()
  return parts
}

function add(parts: Part[], event: FormEvent): void {
  if ('part' in event) return void parts.push({ ...event.part, content: Buffer.alloc(0) })
  const last = parts.pop()
  if (last === undefined) throw new Error('content before any part')
  parts.push({ ...last, content: Buffer.concat([last.content, event.chunk]) })
}

const field = (name: string, content: string) => ({ name, content: Buffer.from(content) })
const head = (disposition: string, ...more: readonly string[]) =>
  [`Content-Disposition: ${disposition}`, ...more].join('\r\n')
const form = (...parts: readonly string[]) =>
  `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`
const part = (name: string, content: string, ...more: readonly string[]) =>
  `${head(`form-data; name="${name}"`, ...more)}\r\n\r\n${content}`

test('a form is the same, wherever its pieces are cut', () => {
  const text = Buffer.from(form(part('a', '1\r\n--x-\r\n\r-b'), part('ü', ''), part('c', '\r\n-', 'x-other: 1')))
  const found = [field('a', '1\r\n--x-\r\n\r-b'), field('ü', ''), field('c', '\r\n-')]
  for (let cut = 0; cut <= text.length; cut += 1)
    expect([cut, partsIn([text.subarray(0, cut), text.subarray(cut)])]).toEqual([cut, found])
  expect(partsIn([...text].map((byte) => Buffer.of(byte)))).toEqual(found)
})

test('it reads what undici writes, cut at random', async () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  for (let round = 0; round < 60; round += 1) {
    const data = new FormData()
    const expected: Part[] = []
    for (let count = random(5); count >= 0; count -= 1) {
      const content = Buffer.from(
        Array.from({ length: random(300) }, () => [13, 10, 45, 45, random(256)][random(5)] ?? 0),
      )
      const filename = ['a "b".png', 'ünï.txt', 'c\\'][random(2)] ?? ''
      data.append('f"ile', new Blob([content], { type: 'image/png' }), filename)
      expected.push({ name: 'f"ile', filename, contentType: 'image/png', content })
      data.append('plain', `value ${round}`)
      expected.push(field('plain', `value ${round}`))
    }
    const reply = new Response(data)
    const [, named = ''] = /boundary=(.*)$/.exec(reply.headers.get('content-type') ?? '') ?? []
    const bytes = Buffer.from(await reply.arrayBuffer())
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random(90)
      pieces.push(bytes.subarray(at, end))
      at = end
    }
    expect(partsIn(pieces, named)).toEqual(expected)
  }
})

test('what stands before the first boundary and behind the last is dropped', () => {
  expect(partsIn([`before\r\n--x-\r\n${form(part('a', '1'))}--${boundary}\r\nafter`])).toEqual([field('a', '1')])
  expect(partsIn([`--${boundary}--`])).toEqual([])
  expect(partsIn([`--${boundary} \t\r\n${part('a', '1')}\r\n--${boundary}--`])).toEqual([field('a', '1')])
})

test.each([
  ['form-data; name=a', { name: 'a' }],
  ['FORM-DATA ; NAME="a";filename=b.txt', { name: 'a', filename: 'b.txt' }],
  ['form-data; name=""; filename=""', { name: '', filename: '' }],
  ['form-data; name="a;b=c"; size=3', { name: 'a;b=c' }],
  ['form-data; name="%22a%22%0D%0A%41"', { name: '"a"%0D%0A%41' }],
  ['form-data; name="__proto__"', { name: '__proto__' }],
  ['form-data; name="a"; filename="../../etc/passwd"', { name: 'a', filename: 'passwd' }],
  ['form-data; name="a"; filename="C:\\temp\\b.txt"', { name: 'a', filename: 'b.txt' }],
  ['form-data; name="a"; filename="b/.."', { name: 'a', filename: '' }],
])('the head %s is read', (disposition, expected) => {
  expect(partsIn([form(`${head(disposition)}\r\n\r\n`)])).toEqual([{ ...expected, content: Buffer.alloc(0) }])
})

test.each([
  ['no header', '\r\n1'],
  ['no disposition', 'content-type: text/plain\r\n\r\n1'],
  ['another disposition', `${head('attachment; name="a"')}\r\n\r\n1`],
  ['a disposition that only begins like it', `${head('form-database; name="a"')}\r\n\r\n1`],
  ['no name', `${head('form-data')}\r\n\r\n1`],
  ['two names', `${head('form-data; name="a"; name="b"')}\r\n\r\n1`],
  ['a name without its end', `${head('form-data; name="a')}\r\n\r\n1`],
  ['more behind a name', `${head('form-data; name="a"b"')}\r\n\r\n1`],
  ['an extended file name', `${head("form-data; name=a; filename*=utf-8''b")}\r\n\r\n1`],
  ['two dispositions', `${part('a', '1', 'content-disposition: form-data; name="b"')}`],
  ['a folded line', `${part('a', '1', ' x: 1')}`],
  ['a line without a colon', `${part('a', '1', 'nonsense')}`],
  ['a bare line feed', `${part('a', '1', 'x: 1\ny: 2')}`],
  ['a null byte', `${part('a\0', '1')}`],
  ['encoded content', `${part('a', 'MQ==', 'content-transfer-encoding: base64')}`],
  ['no UTF-8', Buffer.concat([Buffer.from('x: '), Buffer.of(0xff), Buffer.from(`\r\n${part('a', '1')}`)])],
  ['a header that is too long', part('a', '1', `x: ${'y'.repeat(maxHeadBytes)}`)],
])('a part with %s is refused by its place', (_what, bad) => {
  const before = `--${boundary}\r\n${part('a', '1')}\r\n--${boundary}\r\n`
  const pieces = [before, bad, `\r\n--${boundary}--`]
  expect(() => partsIn(pieces)).toThrow(
    expect.objectContaining({
      code: 'invalid_argument',
      details: { violations: [expect.objectContaining({ field: '/parts/1', rule: 'multipart' })] },
    }),
  )
})

test.each([
  ['nothing but text', 'hello'],
  ['no end', `--${boundary}\r\n${part('a', '1')}`],
  ['an end that is cut', `--${boundary}\r\n${part('a', '1')}\r\n--${boundary}-`],
  ['a header without its end', `--${boundary}\r\n${head('form-data; name="a"')}`],
  ['more behind a boundary', `--${boundary}c\r\n${part('a', '1')}\r\n--${boundary}--`],
  ['a bare line feed behind a boundary', `--${boundary}\n${part('a', '1')}\r\n--${boundary}--`],
  ['endless blanks behind a boundary', `--${boundary}${' '.repeat(100)}\r\n${part('a', '1')}\r\n--${boundary}--`],
])('a form of %s is refused', (_what, text) => {
  expect(() => partsIn([text])).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
})

test('a header that goes on for ever is refused when it is too long, and not kept', () => {
  const parser = new MultipartParser(boundary)
  const flood = function* () {
    yield* parser.push(Buffer.from(`--${boundary}\r\n`))
    for (;;) yield* parser.push(Buffer.from(`x-${'y'.repeat(98)}: z\r\n`))
  }
  expect(() => [...flood()]).toThrow(/at most 8192 bytes/)
})

test('content goes on at once, but for what may be a boundary', () => {
  const parser = new MultipartParser(boundary)
  const found = [...parser.push(Buffer.from(`--${boundary}\r\n${part('a', 'one\r\n--x')}`))]
  expect(found).toEqual([{ part: { name: 'a' } }, { chunk: Buffer.from('one') }])
  expect([...parser.push(Buffer.from('!'))]).toEqual([{ chunk: Buffer.from('\r\n--x!') }])
})
