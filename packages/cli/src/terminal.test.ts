import { expect, it } from 'vitest'
import { painter } from './terminal.ts'

it.each([
  { isTerminal: true, environment: {}, isColoured: true },
  { isTerminal: true, environment: { NO_COLOR: '' }, isColoured: true },
  { isTerminal: true, environment: { NO_COLOR: '1' }, isColoured: false },
  { isTerminal: true, environment: { TERM: 'dumb' }, isColoured: false },
  { isTerminal: false, environment: {}, isColoured: false },
])('paints only on a terminal, and never with NO_COLOR: %j', ({ isColoured, ...facts }) => {
  const painted = painter(facts)('green', 'fine')
  expect(painted).toBe(isColoured ? '\u001b[32mfine\u001b[39m' : 'fine')
})
