import { expect, test } from 'vitest'
import { fieldSchema } from './field-schema.ts'

test('a field has its schema, and a name that is no field allows everything', () => {
  const schema = { type: 'object', properties: { size: { type: 'integer' } } }
  expect(fieldSchema(schema, 'size')).toEqual({ type: 'integer' })
  expect([fieldSchema(schema, 'constructor'), fieldSchema({}, 'size')]).toEqual([{}, {}])
})
