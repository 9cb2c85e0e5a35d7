import { expect, it } from 'vitest'
import { ConfigError, ContractError, LifecycleError, SetupError, WiringError } from './setup-error.ts'

it.each([
  ['ConfigError', ConfigError],
  ['ContractError', ContractError],
  ['WiringError', WiringError],
  ['LifecycleError', LifecycleError],
])('%s lists every problem with its code', (name, Class) => {
  const cause = new Error('x')
  const error = new Class(
    [
      { code: 'config.missing', message: 'A is not set' },
      { code: 'config.malformed', message: 'B is no number' },
    ],
    cause,
  )
  expect(error).toBeInstanceOf(SetupError)
  expect(error).toMatchObject({ name, code: 'config.missing', cause })
  expect(error.message).toBe('A is not set [config.missing]\nB is no number [config.malformed]')
  expect(new Class([]).code).toBeUndefined()
  expect(new Class([])).not.toHaveProperty('cause')
})
