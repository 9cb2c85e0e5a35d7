import { expect, it } from 'vitest'
import { KeyTexts } from './key-texts.ts'

const options = { prefix: 'config/user/', maxValueBytes: 8, variables: ['A', 'B', 'a/b'] }
const pair = (key: string, value: string | Buffer) => ({
  Key: `config/user/${key}`,
  Value: Buffer.from(value).toString('base64'),
})
const read = (texts: KeyTexts, ...pairs: unknown[]) => texts.read(JSON.stringify(pairs))

it('has a text for each variable that is asked for', () => {
  const pairs = [
    pair('A', 'ö'),
    pair('B', ''),
    pair('C', 'x'),
    pair('a/b', '1'),
    { Key: 'config/user2/A', Value: '' },
    7,
  ]
  expect(read(new KeyTexts(options), ...pairs)).toEqual({ texts: { A: 'ö', B: '', 'a/b': '1' }, problems: [] })
})

it('takes a value of null for empty text', () => {
  expect(read(new KeyTexts(options), { Key: 'config/user/A', Value: null }).texts).toEqual({ A: '' })
})

it('is the same object where no text changed', () => {
  const texts = new KeyTexts(options)
  const first = read(texts, pair('A', '1'), pair('C', '1')).texts
  expect(read(texts, pair('A', '1'), pair('C', '2')).texts).toBe(first)
  expect(read(texts, pair('A', '2')).texts).toEqual({ A: '2' })
  expect(read(texts).texts).toEqual({})
})

it('notices that keys have come or gone, whoever asked for them', () => {
  const texts = new KeyTexts(options)
  const names = (...keys: string[]) =>
    JSON.stringify(
      keys.map((key) => `config/user/${key}`),
      null,
      2,
    )
  read(texts, pair('A', '1'), pair('C', '1'))
  expect([names('A', 'C'), names('A'), names('A', 'C', 'D'), '[]'].map((text) => texts.hasOtherKeys(text))).toEqual([
    false,
    true,
    true,
    true,
  ])
})

it('leaves out what is no UTF-8 and what is too long, and tells so, without the value', () => {
  const texts = new KeyTexts(options)
  const wrong = [pair('A', Buffer.from([0xff, 0xfe])), pair('B', 'secret-9!'), { Key: 'config/user/a/b', Value: 3 }]
  const { texts: left, problems } = read(texts, ...wrong)
  expect(left).toEqual({})
  expect(problems).toEqual([
    'the key config/user/A is left out: its value is no UTF-8',
    'the key config/user/B is left out: its value is longer than maxValueBytes, 8',
    'the key config/user/a/b is left out: its value is no text',
  ])
  expect(read(texts, pair('A', 'fine')).problems).toEqual([])
})

it('keeps what a key said before it said what cannot be read, until it is deleted', () => {
  const texts = new KeyTexts(options)
  const before = read(texts, pair('A', '1')).texts
  const wrong = read(texts, pair('A', Buffer.from([0xff])))
  expect(wrong.texts).toBe(before)
  expect(wrong.problems).toHaveLength(1)
  expect(read(texts).texts).toEqual({})
})

it.each(['no JSON', '{}'])('is no list: %s', (text) => {
  expect(() => new KeyTexts(options).read(text)).toThrow('what Consul says of the keys below config/user/')
})

it('tells only the length of what is no JSON: a value may be in it', () => {
  const cut = JSON.stringify([pair('A', 'hush')]).slice(0, -1)
  expect(() => new KeyTexts(options).read(cut)).toThrow(
    new Error(`what Consul says of the keys below config/user/ is no JSON, but a text of ${cut.length} characters`),
  )
})
