import { expect, test } from 'vitest'
import { LineSplitter } from './line-splitter.ts'

test('lines come whole in whatever pieces they are sent, blank ones do not count, and a long one is told by its place', () => {
  const lines = new LineSplitter(3, (index) => new Error(`line ${index}`))
  const split = (text: string) => Array.from(lines.split(Buffer.from(text)), String)
  expect([split('a\n \r\n\nb'), split('c'), split('d\ne'), Array.from(lines.end(), String)]).toEqual([
    ['a'],
    [],
    ['bcd'],
    ['e'],
  ])
  expect([...lines.end()]).toEqual([])
  expect(() => split('long')).toThrow('line 3')
})
