import { test } from 'vitest'
import { checkRestart } from './login-restart.ts'

test(
  'users, tokens and the end of a login in SQLite outlive kill -9, and no secret is in the log',
  { timeout: 60_000 },
  () => checkRestart(''),
)
