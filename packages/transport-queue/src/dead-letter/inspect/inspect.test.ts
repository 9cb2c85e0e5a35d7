import { expect, it } from 'vitest'
import { topic } from '../../queue-transport.test-harness.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import { bury, connect, owner } from '../dead-letter.test-harness.ts'
import { listDeadLetters } from '../list-dead-letters.ts'
import { compareLetter } from './compare-letter.ts'
import { compareWithSource } from './compare-with-source.ts'
import { inspectDeadLetter } from './inspect-dead-letter.ts'
import { jsonDifferences } from './json-difference.ts'
import { showPayload, showText } from './shown-bytes.ts'

const letters = deadLetterTopic(topic, owner.group)

it.each(['memory', 'sqlite'] as const)(
  'tells all of one letter, with its bytes as a person reads them, on %s',
  async (name) => {
    const driver = await connect(name)
    await bury(driver, [{ headers: { 'x-tenant': 'zwölf' }, code: 'aborted', reason: 'no_stock', failedAt: 5 }])
    const [listed] = (await listDeadLetters(driver, owner)).letters
    const position = listed?.position ?? ''
    expect(await inspectDeadLetter(driver, { ...owner, position })).toEqual({
      letter: listed,
      key: { form: 'text', text: 'k', byteCount: 1, isCut: false },
      value: { form: 'json', json: { orderId: 'k', count: 0 }, text: '{"orderId":"k","count":0}', byteCount: 25 },
      headers: [{ name: 'x-tenant', value: { form: 'text', text: 'zwölf', byteCount: 6, isCut: false } }],
    })
    const [value] = [(await inspectDeadLetter(driver, { ...owner, position, maxShownBytes: 5 })).value]
    expect(value).toEqual({ form: 'text', text: '{"ord', byteCount: 25, isCut: true })
  },
)

it('names what is wrong with the position of a letter', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}])
  const inspect = (position: unknown, more = {}) =>
    inspectDeadLetter(driver, { ...owner, position: position as string, ...more })
  await expect(inspect(`${letters}/0@999`)).rejects.toMatchObject({ code: 'not_found' })
  await expect(inspect(`${letters}/9@0`)).rejects.toMatchObject({ code: 'not_found' })
  await expect(inspect(`${topic}.dlq.other/0@0`)).rejects.toThrow(
    `position must be a position in ${letters}, found one in ${topic}.dlq.other`,
  )
  for (const wrong of ['', '0@0', `${letters}/0`, `${letters}/-1@0`, 7, undefined])
    await expect(inspect(wrong)).rejects.toThrow(`position must be a position such as ${letters}/0@17, found `)
  await expect(inspect(`${letters}/0@0`, { maxShownBytes: 0 })).rejects.toThrow('maxShownBytes must be a whole number')
  await expect(inspect(`${letters}/0@0`, { maxBytes: 0 })).rejects.toThrow('inspectDeadLetter: "maxBytes" is no option')
})

it.each([
  [null, { form: 'none' }],
  [Buffer.of(), { form: 'text', text: '', byteCount: 0, isCut: false }],
  [Buffer.from('7'), { form: 'json', json: 7, text: '7', byteCount: 1 }],
  [Buffer.from('a\tb\r\n'), { form: 'text', text: 'a\tb\r\n', byteCount: 5, isCut: false }],
  [Buffer.from('\u001b[2J'), { form: 'base64', text: 'G1sySg==', byteCount: 4, isCut: false }],
  [Buffer.from('\u0085'), { form: 'base64', text: 'woU=', byteCount: 2, isCut: false }],
  [Buffer.of(0xff, 0xfe), { form: 'base64', text: '//4=', byteCount: 2, isCut: false }],
  [Buffer.from('1234567ö'), { form: 'text', text: '1234567', byteCount: 9, isCut: true }],
  [Buffer.from('"345678"9'), { form: 'text', text: '"345678"', byteCount: 9, isCut: true }],
])('shows %j', (bytes, shown) => {
  expect(showPayload(bytes, 8)).toEqual(shown)
})

it('a key that looks like JSON is text', () => {
  expect(showText(Buffer.from('7'), 8)).toEqual({ form: 'text', text: '7', byteCount: 1, isCut: false })
})

it.each<[before: unknown, after: unknown, ...differences: object[]]>([
  [
    { a: 1, b: [1, { c: 2 }] },
    { b: [1, { c: 2 }], a: 1 },
  ],
  [1, 2, { path: '', before: 1, after: 2 }],
  [
    { a: 1 },
    { a: '1', b: null },
    { path: '/a', before: 1, after: '1' },
    { path: '/b', before: undefined, after: null },
  ],
  [[1, 2, 3], [1, 4], { path: '/1', before: 2, after: 4 }, { path: '/2', before: 3, after: undefined }],
  [{ 'a/b~c': 1 }, {}, { path: '/a~1b~0c', before: 1, after: undefined }],
  [{ a: [] }, { a: {} }, { path: '/a', before: [], after: {} }],
  [JSON.parse('{"__proto__":1}'), {}, { path: '/__proto__', before: 1, after: undefined }],
  [{}, { toString: 1 }, { path: '/toString', before: undefined, after: 1 }],
])('%j and %j differ there', (before, after, ...differences) => {
  expect(jsonDifferences(before, after, 10)).toEqual(differences)
})

it('finds no more differences than are wanted, however deep', () => {
  expect(jsonDifferences([1, 2, 3], [4, 5, 6], 2)).toHaveLength(2)
  const deep = (leaf: number) => {
    let value: unknown = leaf
    for (let depth = 0; depth < 100_000; depth++) value = [value]
    return value
  }
  expect(jsonDifferences(deep(1), deep(2), 2)).toMatchObject([{ before: 1, after: 2 }])
})

it('tells what differs from a payload, and from another letter', async () => {
  const driver = await connect('memory')
  await bury(driver, [
    { headers: { A: '1', b: '2' }, key: 'k' },
    { headers: { a: '1', c: '3' }, key: 'k', value: 'garbage' },
  ])
  const list = (await listDeadLetters(driver, owner)).letters
  const [first, second] = [
    list.find(({ source }) => source.offset === 0),
    list.find(({ source }) => source.offset === 1),
  ]
  if (first === undefined || second === undefined) throw new Error('expected two letters')
  expect(compareLetter(first, first)).toMatchObject({ isSame: true, payload: [], headers: [] })
  expect(compareLetter(first, { value: { count: 0, orderId: 'k' } }).isSame).toBe(true)
  expect(compareLetter(first, { value: Buffer.from('{ "count": 0, "orderId": "k" }') }).isSame).toBe(true)
  expect(compareLetter(first, { value: { orderId: 'k', count: 1 }, key: Buffer.from('l') })).toEqual({
    isSame: false,
    key: { before: showText(Buffer.from('k'), 8), after: showText(Buffer.from('l'), 8) },
    payload: [{ path: '/count', before: 0, after: 1 }],
    value: undefined,
    headers: [],
  })
  expect(compareLetter(first, second)).toMatchObject({
    isSame: false,
    value: { before: { form: 'json' }, after: { form: 'text', text: 'garbage' } },
    headers: [
      { name: 'b', before: [{ text: '2' }], after: [] },
      { name: 'c', before: [], after: [{ text: '3' }] },
    ],
  })
  const large = { ...first, value: Buffer.from('12345678901234567891') }
  expect(compareLetter(large, { value: Buffer.from('12345678901234567892') }).isSame).toBe(false)
})

it('compares with the record that the message came as, as long as that is kept', async () => {
  const driver = await connect('sqlite')
  await bury(driver, [{}])
  const [letter] = (await listDeadLetters(driver, owner)).letters
  if (letter === undefined) throw new Error('expected a letter')
  expect(await compareWithSource(driver, letter)).toBeUndefined()
  const record = { topic, partition: 0, key: Buffer.from('k'), headers: [['x', Buffer.from('y')] as const] }
  const value = Buffer.from('{"orderId":"k","count":0}')
  await driver.produce([{ ...record, value, timestampAt: 1 }], { timeoutMs: 5_000 })
  // A topic of the same name: its first record is another message.
  expect(await compareWithSource(driver, letter)).toBeUndefined()
  const own = { ...letter, source: { ...letter.source, timestampAt: 1 } }
  expect(await compareWithSource(driver, own)).toMatchObject({ isSame: false, headers: [{ name: 'x', before: [] }] })
  const lacking = { ...own, value: null, isValueOmitted: true }
  expect(await compareWithSource(driver, lacking)).toMatchObject({
    value: { before: { form: 'none' }, after: { form: 'json' } },
  })
  const gone = { ...own, source: { ...own.source, topic: 'shop.no.topic.v1' } }
  await expect(compareWithSource(driver, gone)).rejects.toMatchObject({ code: 'not_found' })
})
