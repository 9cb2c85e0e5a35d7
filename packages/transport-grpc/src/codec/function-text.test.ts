import { ConfigError } from '@tenon/core/transport'
import { afterEach, expect, test, vi } from 'vitest'
import { functionOf } from './function-text.ts'

afterEach(() => void vi.unstubAllGlobals())

/** As Node does where it may not make functions of texts. */
function forbidFunctions(error: Error): void {
  vi.stubGlobal('Function', function () {
    throw error
  })
}

test('a function is made of its text and of what that names', () => {
  expect(functionOf<(value: number) => number>('(value) => value + more', { more: 2 })(1)).toBe(3)
})

test('where Node may make none, the error names the flag that forbids it', () => {
  const cause = new EvalError('Code generation from strings disallowed for this context')
  forbidFunctions(cause)
  const make = () => functionOf('() => 1', {})
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(expect.objectContaining({ code: 'config.malformed', cause }))
  expect(make).toThrow('without --disallow-code-generation-from-strings')
})

test('any other failure stays what it is', () => {
  const error = new SyntaxError('a text of ours is wrong')
  forbidFunctions(error)
  expect(() => functionOf('() => 1', {})).toThrow(error)
})
