import { describe, expect, it } from 'vitest'
import { Field } from './field.ts'
import { countOf, quantityOf } from './quantity.ts'

const field = (value: unknown) => new Field('Deployment/user', 'spec', value)

describe('quantityOf', () => {
  it.each([
    ['256Mi', 256 * 2 ** 20],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['512M', 512e6],
    [536_870_912, 536_870_912],
    ['1e3', 1_000],
    ['250m', 0.25],
    [2, 2],
    ['12 Mi', undefined],
    ['12MiB', undefined],
    ['constructor', undefined],
    [undefined, undefined],
  ])('reads %j as %j', (given, quantity) => {
    expect(quantityOf(field(given))).toBe(quantity)
  })
})

describe('countOf', () => {
  it.each([
    [1, 1],
    ['25%', 0],
    ['100%', 3],
    ['all', undefined],
    [undefined, undefined],
  ])('reads %j of 3 as %j', (given, count) => {
    expect(countOf(field(given), { of: 3, round: Math.floor })).toBe(count)
  })

  it('rounds as it is told', () => {
    expect(countOf(field('34%'), { of: 3, round: Math.ceil })).toBe(2)
  })
})
