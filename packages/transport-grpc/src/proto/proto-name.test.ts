import { expect, test } from 'vitest'
import { mapEntryName, pascalCase, protoFieldName, screamingSnakeCase } from './proto-name.ts'

test('names follow the protobuf style guide', () => {
  expect(['userId', 'userID', 'HTTPPort', 'line-items', 'a_b', 'line2Text'].map(protoFieldName)).toEqual([
    'user_id',
    'user_id',
    'http_port',
    'line_items',
    'a_b',
    'line2_text',
  ])
  expect(['getUser', 'line-items', 'unit_prices'].map(pascalCase)).toEqual(['GetUser', 'LineItems', 'UnitPrices'])
  expect(['inTransit', 'in transit', 'DONE'].map(screamingSnakeCase)).toEqual(['IN_TRANSIT', 'IN_TRANSIT', 'DONE'])
  expect(mapEntryName('unit_prices')).toBe('UnitPricesEntry')
})
