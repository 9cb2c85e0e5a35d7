import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import Format from 'typebox/format'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnProcess, runFile } from '../support/own-process.ts'
import { postRaw } from './target.ts'

let target: OwnProcess
let port = 0

beforeAll(async () => {
  target = runFile(join(import.meta.dirname, 'fixture/checking-service.ts'))
  const [{ addresses }] = (await once(target.child, 'message')) as [{ readonly addresses: readonly Address[] }]
  port = addresses[0]?.port ?? 0
})

afterAll(() => target[Symbol.asyncDispose]())

/** Texts that make an expression go back which can read a part of them in more than one way. */
const repeat = (part: string) => part.repeat(length / part.length)
const length = 200_000
const texts = [
  `${repeat('a')}!`,
  `${repeat('0')}!`,
  `${repeat('9.')}!`,
  `${repeat('0:')}!`,
  `http://${repeat('a.')}\u0000`,
  `http://${repeat('%20')}\\`,
  `a@${repeat('a-')} `,
  `"${repeat(String.raw`\a`)}`,
  `2020-01-01T00:00:00.${repeat('9')}[`,
  `P${repeat('1Y')}`,
  `${repeat('/~0')}~`,
  `${repeat('{a}')}{`,
]

// Where one goes back for each letter this takes minutes, and where it tries all ways there are it never ends.
test.each([...Format.Entries().map(([name]) => name), 'byte'])(
  'no long text keeps the check of the format %s busy',
  { timeout: 10_000 },
  async (format) => {
    for (const text of texts) {
      const reply = await postRaw(port, '/v1/check', JSON.stringify({ [format]: text }))
      expect(reply).toMatch(/^HTTP\/1.1 [24]0/)
    }
  },
)

test('no text that is longer than it may be is tried against a pattern', { timeout: 10_000 }, async () => {
  for (const text of texts) {
    const reply = await postRaw(port, '/v1/check', JSON.stringify({ code: text }))
    expect(reply).toMatch(/^HTTP\/1.1 400/)
    expect(reply).toContain('must not have more than 12 characters')
  }
})
