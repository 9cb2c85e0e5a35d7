import { expect, test } from 'vitest'
import { visibleText } from './text.ts'

const isVisible = (text: string) => new RegExp(visibleText, 'u').test(text)

test.each(['Ada', ' Ada ', 'Ада', '王小明', 'O’Hara-Smith Jr.', '👩‍🚀', '.', 'a\u200Db'])('takes %j', (text) => {
  expect(isVisible(text)).toBe(true)
})

test.each(['', ' ', '\u3000\u00A0', '\u200B', '\u0000', 'Ada\u0000', '\nAda', 'A\tda', 'Ada\u007F', '\u0085'])(
  'refuses %j',
  (text) => {
    expect(isVisible(text)).toBe(false)
  },
)
