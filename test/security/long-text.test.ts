import { defineHandler } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import Type from 'typebox'
import Format from 'typebox/format'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postRaw, startTarget, type Target } from './target.ts'

/** Every format that a schema may name, also one that is known some day. */
const formats = [...new Set([...Format.Entries().map(([name]) => name), 'byte'])]

const Fields = Type.Object(
  Object.fromEntries(formats.map((format) => [format, Type.Optional(Type.String({ format }))])),
)
const Empty = Type.Object({})
const checks = contract('test.v1.CheckService', {
  check: { input: Fields, output: Empty, http: 'POST /v1/check', grpc: false },
})

let target: Target
beforeAll(async () => {
  target = await startTarget([defineHandler(checks, () => ({ check: async () => ({}) }))])
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
test.each(formats)('no long text keeps the check of the format %s busy', { timeout: 10_000 }, async (format) => {
  for (const text of texts) {
    const reply = await postRaw(target.httpPort, '/v1/check', JSON.stringify({ [format]: text }))
    expect(reply).toMatch(/^HTTP\/1.1 [24]0/)
  }
})
