import { expect, it } from 'vitest'
import { closure } from './closure.ts'

const graph: Readonly<Record<string, readonly string[]>> = { a: ['b', 'c'], b: ['d'], c: ['d', 'c'], d: ['b'], e: [] }
const leadsTo = (each: string) => graph[each] ?? []

it('gives each once, behind what it leads to', () => {
  expect(closure(['a', 'e', 'a'], leadsTo)).toEqual(['d', 'b', 'c', 'a', 'e'])
})
