import * as original from 'typebox'
import { expect, expectTypeOf, test } from 'vitest'
import { Type, type Static } from './index.ts'

test('it is TypeBox itself, so schemas of both go together', () => {
  const item = Type.Object({ sku: original.Type.String(), quantity: Type.Integer({ minimum: 1 }) })
  expect(item).toEqual(original.Type.Object({ sku: Type.String(), quantity: original.Type.Integer({ minimum: 1 }) }))
  expectTypeOf<Static<typeof item>>().toEqualTypeOf<original.Static<typeof item>>()
})
