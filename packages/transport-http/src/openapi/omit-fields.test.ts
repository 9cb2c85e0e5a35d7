import { expect, test } from 'vitest'
import { hasFieldsBeside, omitFields } from './omit-fields.ts'

const text = { type: 'string' }

test('fields that are read from elsewhere are left out of every part that describes the same object', () => {
  const schema = {
    type: 'object',
    title: 'Whole',
    minProperties: 2,
    required: ['id', 'name'],
    properties: { id: text, name: { type: 'object', properties: { id: text }, required: ['id'] } },
    anyOf: [{ required: ['id'] }, { properties: { id: text, kind: { const: 'a' } }, required: ['id', 'kind'] }],
    additionalProperties: false,
  }
  expect(omitFields(schema, new Set(['id']))).toEqual({
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'object', properties: { id: text }, required: ['id'] } },
    anyOf: [{}, { properties: { kind: { const: 'a' } }, required: ['kind'] }],
    additionalProperties: false,
  })
  expect(omitFields(schema, new Set())).toBe(schema)
})

test('a body is there where something is left, or anything is allowed', () => {
  const id = new Set(['id'])
  expect(hasFieldsBeside({ type: 'object', properties: { id: text } }, id)).toBe(false)
  expect(hasFieldsBeside({ type: 'object', properties: { id: text }, additionalProperties: false }, id)).toBe(false)
  for (const more of [
    { properties: { id: text, name: text } },
    { additionalProperties: text },
    { additionalProperties: true },
    { patternProperties: { '^x': text } },
    { anyOf: [{ properties: { name: text } }] },
  ])
    expect(hasFieldsBeside({ type: 'object', ...more }, id)).toBe(true)
})
