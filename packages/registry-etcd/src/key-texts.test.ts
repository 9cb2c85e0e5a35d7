import { describe, expect, it } from 'vitest'
import type { KeyText } from './follow-keys.ts'
import { KeyTexts } from './key-texts.ts'

const prefix = '/config/user/'

function keyTexts() {
  const troubles: string[] = []
  const onTrouble = ({ message }: Error) => void troubles.push(message)
  return { texts: new KeyTexts({ prefix, variables: ['PORT', 'LEVEL'], onTrouble }), troubles }
}

const of = (variable: string, text?: string): KeyText => ({ key: prefix + variable, text })
const without = (variable: string) => ({ key: prefix + variable, isDeleted: true }) as const

describe('KeyTexts', () => {
  it.each([
    ['another text', [of('PORT', '81')], { PORT: '81' }],
    ['a variable more', [of('LEVEL', '')], { PORT: '80', LEVEL: '' }],
    ['a variable less', [without('PORT')], {}],
    ['several at once', [of('PORT', '81'), of('OTHER', '1'), of('LEVEL', 'info')], { PORT: '81', LEVEL: 'info' }],
  ])('says of %s that something has changed', (_, changes, expected) => {
    const { texts } = keyTexts()
    texts.replace([of('PORT', '80')])
    expect(texts.change(changes)).toBe(true)
    expect(texts.snapshot()).toEqual(expected)
  })

  it.each([
    ['the same text', [of('PORT', '80')]],
    ['a variable that nobody asks for', [of('OTHER', '1'), of('PORT/x', '1')]],
    ['a variable that was not there', [without('LEVEL')]],
    ['nothing', []],
  ])('says of %s that nothing has changed', (_, changes) => {
    const { texts } = keyTexts()
    texts.replace([of('PORT', '80')])
    expect(texts.change(changes)).toBe(false)
    expect(texts.snapshot()).toEqual({ PORT: '80' })
  })

  it('tells once of a value that is no UTF-8, whose last text stays, and once more when it was readable meanwhile', () => {
    const { texts, troubles } = keyTexts()
    const trouble = 'etcd: the value of /config/user/PORT is left out, for it is no UTF-8'
    texts.replace([of('PORT', '80')])
    expect(texts.change([of('PORT'), of('OTHER')])).toBe(true)
    expect(texts.change([of('PORT')])).toBe(false)
    texts.replace([of('PORT')])
    expect(troubles).toEqual([trouble])
    expect(texts.snapshot()).toEqual({ PORT: '80' })
    // It can be read again, although its text is the one of before.
    expect(texts.change([of('PORT', '80')])).toBe(true)
    expect(texts.change([of('PORT')])).toBe(true)
    expect(troubles).toEqual([trouble, trouble])
  })

  it('has no text of a value that never could be read, and forgets one that was deleted', () => {
    const { texts, troubles } = keyTexts()
    texts.replace([of('PORT')])
    expect(texts.snapshot()).toEqual({})
    expect(texts.change([without('PORT')])).toBe(true)
    expect(texts.change([of('PORT')])).toBe(true)
    texts.replace([])
    texts.replace([of('PORT')])
    expect(troubles).toHaveLength(3)
  })

  it('drops what a list does not have', () => {
    const { texts } = keyTexts()
    texts.replace([of('PORT', '80'), of('LEVEL', 'info')])
    texts.replace([of('LEVEL', 'debug')])
    expect(texts.snapshot()).toEqual({ LEVEL: 'debug' })
  })
})
