import { expect, it } from 'vitest'
import { toDraftSeven } from './draft-seven.ts'

const $ref = '#/components/schemas/User'

it('leaves a schema of draft 7 as it is', () => {
  const schema = {
    type: 'object',
    required: ['a'],
    properties: { a: { type: 'string', const: 'x' }, items: { type: 'array', items: { $ref } } },
    additionalProperties: false,
    examples: [{ $ref: 'a value', prefixItems: 1 }],
    default: { $ref: 'a value' },
  }
  expect(toDraftSeven(schema)).toEqual(schema)
})

it('has a tuple and what follows it in its own words', () => {
  const prefixItems = [{ type: 'string' }, { prefixItems: [{ $ref }], items: false }]
  expect(toDraftSeven({ prefixItems, items: { type: 'number' } })).toEqual({
    items: [{ type: 'string' }, { items: [{ $ref }], additionalItems: false }],
    additionalItems: { type: 'number' },
  })
})

it('keeps what stands beside a reference, which draft 7 would not read', () => {
  expect(toDraftSeven({ $ref })).toEqual({ $ref })
  expect(toDraftSeven({ $ref, description: 'A user.' })).toEqual({ description: 'A user.', allOf: [{ $ref }] })
  expect(toDraftSeven({ $ref, allOf: [{ required: ['a'] }] })).toEqual({ allOf: [{ $ref }, { required: ['a'] }] })
})

it('has one word for what depends on a field', () => {
  const dependentSchemas = { a: { $ref, title: 'A' }, c: true }
  expect(toDraftSeven({ dependentSchemas, dependentRequired: { a: ['b'], d: ['e'] } })).toEqual({
    dependencies: { a: { allOf: [{ title: 'A', allOf: [{ $ref }] }, { required: ['b'] }] }, c: true, d: ['e'] },
  })
  expect(toDraftSeven({ dependentRequired: { d: ['e'] } })).toEqual({ dependencies: { d: ['e'] } })
})

it('leaves out what it has no word for', () => {
  expect(toDraftSeven({ type: 'object', unevaluatedProperties: false })).toEqual({ type: 'object' })
  // The rest of a negation would forbid more.
  expect(toDraftSeven({ type: 'array', not: { items: { type: 'array', unevaluatedItems: false } } })).toEqual({
    type: 'array',
  })
})
