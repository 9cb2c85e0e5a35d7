import { expect, it } from 'vitest'
import { costBytes, readScryptHash, writeScryptHash } from './scrypt-hash.ts'

const cost = { costLog2: 17, blockSize: 8, parallelism: 1 }
const hash = { cost, salt: Buffer.alloc(16, 1), key: Buffer.alloc(32, 2) }

it('is a text that says how it was made', () => {
  const text = writeScryptHash(hash)
  expect(text).toBe('$scrypt$ln=17,r=8,p=1$AQEBAQEBAQEBAQEBAQEBAQ$AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI')
  expect(readScryptHash(text)).toEqual(hash)
})

it.each([
  ['nothing', ''],
  ['another function', writeScryptHash(hash).replace('scrypt', 'argon2id')],
  ['a cost of nothing', writeScryptHash({ ...hash, cost: { ...cost, blockSize: 0 } })],
  ['more memory than any of ours takes', writeScryptHash({ ...hash, cost: { ...cost, costLog2: 23 } })],
  ['a key of a few bytes, which many passwords have', writeScryptHash({ ...hash, key: Buffer.alloc(8) })],
  ['something behind it', `${writeScryptHash(hash)}$`],
])('is not read from %s', (_what, text) => {
  expect(readScryptHash(text)).toBeUndefined()
})

it('takes 128 MiB at the cost that OWASP recommends', () => {
  expect(costBytes(cost) / 2 ** 20).toBeCloseTo(128, 1)
})
