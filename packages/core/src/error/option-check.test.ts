import { expect, test } from 'vitest'
import { optionCheck } from './option-check.ts'

const check = optionCheck('demoTransport')
const text = (problems: readonly { readonly message: string }[]) => problems.map(({ message }) => message).join('\n')

test('a name that is no option is told with the one that is probably meant, and with all there are', () => {
  const known = ['port', 'host', 'maxMessageBytes']
  expect(check.names({ port: 1 }, known)).toEqual([])
  expect(text(check.names({ prot: 1 }, known))).toBe(
    'demoTransport: "prot" is no option, perhaps port is meant; expected port, host, maxMessageBytes',
  )
  expect(text(check.names({ max: 1 }, known))).toContain('perhaps maxMessageBytes is meant')
  expect(text(check.names({ colour: 1 }, known, 'tls'))).toBe(
    'demoTransport: tls: "colour" is no option; expected port, host, maxMessageBytes',
  )
})

test('a number out of its range and a value of another kind are told by name, range and what was found', () => {
  const range = { min: 1, max: 5 }
  for (const right of [undefined, 1, 5]) expect(check.integer('count', right, range)).toEqual([])
  for (const [wrong, found] of [
    [0, '0'],
    [6, '6'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    ['3', '"3"'],
    [{}, 'an object'],
  ] as const) {
    expect(check.integer('count', wrong, range)).toEqual([
      {
        code: 'config.out_of_range',
        message: `demoTransport: count must be a whole number from 1 to 5, found ${found}`,
      },
    ])
  }
})

test('switches, choices and hosts are told the same way', () => {
  expect([check.boolean('isOn', undefined), check.boolean('isOn', false)]).toEqual([[], []])
  expect(text(check.boolean('isOn', 'yes'))).toBe('demoTransport: isOn must be true or false, found "yes"')
  expect(check.choice('mode', 'a', ['a', 'b'])).toEqual([])
  expect(text(check.choice('mode', 'c', ['a', 'b']))).toBe('demoTransport: mode must be one of a, b, found "c"')
  for (const host of ['127.0.0.1', '::1', '::', 'localhost', 'a.b']) expect(check.host(host)).toEqual([])
  for (const host of ['', 'a b', 'a:1', 'http://a', '/run/a.sock', 1]) expect(check.host(host)).toHaveLength(1)
})
