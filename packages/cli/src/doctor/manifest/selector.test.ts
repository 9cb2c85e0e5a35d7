import { describe, expect, it } from 'vitest'
import { Field } from './field.ts'
import { selects } from './selector.ts'

const labels = new Map([
  ['app', 'user'],
  ['tier', 'back'],
])
const fits = (selector: unknown) => selects(new Field('Service/user', 'spec.selector', selector), labels)
const expression = (key: string, operator: string, ...values: readonly string[]) => ({
  matchExpressions: [{ key, operator, values }],
})

describe('selects', () => {
  it.each([
    [{}, true],
    [{ matchLabels: { app: 'user', tier: 'back' } }, true],
    [{ matchLabels: { app: 'user', tier: 'front' } }, false],
    [expression('app', 'In', 'bill', 'user'), true],
    [expression('app', 'In', 'bill'), false],
    [expression('zone', 'In', 'a'), false],
    [expression('app', 'NotIn', 'bill'), true],
    [expression('app', 'NotIn', 'user'), false],
    [expression('zone', 'NotIn', 'a'), true],
    [expression('app', 'Exists'), true],
    [expression('zone', 'Exists'), false],
    [expression('zone', 'DoesNotExist'), true],
    [expression('app', 'DoesNotExist'), false],
    [expression('app', 'Like', 'user'), false],
    [{ matchLabels: { app: 'user' }, ...expression('tier', 'In', 'front') }, false],
  ])('%j: %j', (selector, expected) => {
    expect(fits(selector)).toBe(expected)
  })
})
