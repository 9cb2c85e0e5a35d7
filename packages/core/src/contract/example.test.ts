import Type from 'typebox'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from '../schema/native/bytes.ts'
import { contract } from './contract.ts'
import { ContractError } from '../error/setup-error.ts'
import { int64 } from '../schema/native/int64.ts'
import type { OperationSpec } from './operation.ts'
import { stream } from './stream.ts'

const User = Type.Object({
  userId: Type.String({ format: 'uuid' }),
  size: Type.Optional(int64({ maximum: 5n })),
  photo: Type.Optional(bytes()),
  sizes: Type.Optional(Type.Array(int64())),
})
const userId = '5b1f3d0e-8b7a-4f43-9a55-0d2b2f2f4a10'

function build(spec: Partial<OperationSpec>) {
  const { get } = contract('demo.v1.Users', { get: { input: Type.Object({}), output: User, ...spec } as OperationSpec })
  return get
}

function problemsOf(spec: Partial<OperationSpec>): readonly string[] {
  try {
    build(spec)
    return []
  } catch (error) {
    if (error instanceof ContractError) return error.problems.map(({ message }) => message.replace(/^.*get: /, ''))
    throw error
  }
}

it('examples have the form of JSON, and a name', () => {
  const { examples } = build({
    examples: [
      { summary: 'One.', input: {}, output: { userId, size: 3n, photo: Uint8Array.of(1, 2), sizes: [1n] } },
      { output: { userId, size: '4' } },
      { name: 'none' },
    ],
  })
  expect(examples).toEqual([
    { name: 'example', summary: 'One.', input: {}, output: { userId, size: '3', photo: 'AQI=', sizes: ['1'] } },
    { name: 'example2', output: { userId, size: '4' } },
    { name: 'none' },
  ])
  expect(Object.isFrozen(examples[0]) && Object.isFrozen(examples[0]?.output)).toBe(true)
  expect(build({}).examples).toEqual([])
})

it('an example of a stream is one item', () => {
  expect(problemsOf({ output: stream(User), examples: [{ output: { userId } }] })).toEqual([])
})

it.each<[string, unknown, readonly string[]]>([
  ['no list', {}, ['examples must be a list']],
  ['a field of the wrong type', [{ output: { userId: 1 } }], ['examples/0/output/userId must be string']],
  ['a format', [{ output: { userId: 'u1' } }], ['examples/0/output/userId must match format "uuid"']],
  ['what is left out', [{}, { output: {} }], ['examples/1/output/userId is required']],
  ['a field that is none', [{ input: { id: 1 } }], ['examples/0/input/id is no field of the schema']],
  ['a number out of range', [{ output: { userId, size: 6n } }], ['examples/0/output/size must be <= 5']],
  [
    'a number out of range in a list',
    [{ output: { userId, sizes: ['1', '9223372036854775808'] } }],
    ['examples/0/output/sizes/1 must be <= 9223372036854775807'],
  ],
  ['a name that is taken', [{ name: 'a' }, { name: 'a' }], ['examples/1: the name "a" is taken by another']],
  ['a misspelt key', [{ inputs: {} }], ['examples/0: "inputs" is no setting; expected name, summary, input, output']],
])('%s is refused', (_what, examples, problems) => {
  expect(problemsOf({ examples } as Partial<OperationSpec>)).toEqual(problems)
})

it('a library checks by its own rules, before its transforms', () => {
  const output = z.object({
    size: z
      .string()
      .refine((text) => text.length < 3, 'is too long')
      .transform(Number),
  })
  expect(problemsOf({ output, examples: [{ output: { size: '12' } }] })).toEqual([])
  expect(problemsOf({ output, examples: [{ output: { size: '123' } }] })).toEqual([
    'examples/0/output/size is too long',
  ])
  expect(problemsOf({ output, examples: [{ output: { size: 1 } }] })).toHaveLength(1)
})

it('what an asynchronous library says is left to the calls', () => {
  const output = z.object({ size: z.string().refine(async () => false) })
  expect(problemsOf({ output, examples: [{ output: { size: 'x' } }] })).toEqual([])
  expect(problemsOf({ output, examples: [{ output: { length: 'x' } }] })[0]).toContain('/length is no field')
})

it('tags are the last word of the name of the contract, unless there are others', () => {
  expect(build({}).tags).toEqual(['Users'])
  expect(build({ tags: ['a', 'b'] }).tags).toEqual(['a', 'b'])
  expect(build({ description: 'Long.' })).toMatchObject({
    description: 'Long.',
    deprecated: false,
    deprecation: undefined,
  })
  expect(build({ deprecated: { link: 'https://example.com/' } })).toMatchObject({
    deprecated: true,
    deprecation: { link: 'https://example.com/' },
  })
  expect(problemsOf({ deprecated: { at: 'x' } })).toEqual([expect.stringContaining('deprecated.at')])
})
