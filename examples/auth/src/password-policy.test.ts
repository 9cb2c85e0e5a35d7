import { expect, test } from 'vitest'
import { passwordProblem } from './password-policy.ts'

test.each([
  ['fourteen chars', 'at least 15'],
  // Each of these is one character, written as two.
  ['e\u0301'.repeat(14), 'at least 15'],
  ['aaaaaaaaaaaaaaaaaaaa', 'different'],
  ['Password-Password', 'tried first'],
  ['correct horse battery staple', 'tried first'],
  ['Ada.Lovelace@example.com', 'e-mail'],
])('refuses %s', (password, problem) => {
  expect(passwordProblem(password, 'ada.lovelace@example.com')).toContain(problem)
})

test('takes any other, whatever characters it has', () => {
  for (const password of ['wren tuba cactus', '雪が降る夜に猫は窓の外を見ていた', 'x7#'.repeat(4) + 'qwe'])
    expect(passwordProblem(password, 'ada@example.com')).toBeUndefined()
})
