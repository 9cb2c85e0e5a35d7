import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { pino } from 'pino'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { isSecret } from '../../schema/secret.ts'
import { integer, list, optional, text } from './config.ts'
import { readValues } from './read-config.test-harness.ts'
import { secret } from './secret.ts'

const password = 'hunter2'
const { values } = readValues({ password: secret(text('PASSWORD')) }, { environment: { PASSWORD: password } })

describe('a secret', () => {
  it('shows its value to who asks for it', () => {
    expect(values.password.reveal()).toBe(password)
  })

  it.each<[string, () => string]>([
    ['as text', () => String(values.password)],
    ['in a template string', () => `${values.password as unknown as string}`],
    ['joined to text', () => `${'' + (values.password as unknown as string)}`],
    ['as JSON', () => JSON.stringify(values.password)],
    ['as JSON inside something', () => JSON.stringify({ values, list: [values.password] })],
    ['under inspection', () => inspect(values)],
    ['under deep inspection', () => inspect(values, { showHidden: true, depth: null, getters: true })],
    ['formatted', () => format('%s %j %o %O', values.password, values.password, values.password, values.password)],
  ])('is *** %s', (_how, show) => {
    expect(show()).toContain('***')
    expect(show()).not.toContain(password)
  })

  it.each<[string, () => unknown]>([
    ['inspection that skips custom views', () => inspect(values, { customInspect: false, showHidden: true })],
    ['spreading', () => ({ ...values.password })],
    ['cloning', () => structuredClone(values.password)],
    ['serialising', () => serialize({ ...values }).toString('latin1')],
    ['its keys', () => Reflect.ownKeys(values.password).map((key) => Reflect.get(values.password, key) as unknown)],
  ])('does not show itself through %s', (_how, show) => {
    expect(inspect(show())).not.toContain(password)
  })

  it('is *** in a log line, wherever it stands', () => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    log.child({ values }).info({ password: values.password, err: Object.assign(new Error('x'), values) })
    expect(lines.join()).toContain('***')
    expect(lines.join()).not.toContain(password)
  })

  it('stands for a number, a list, a fallback, or nothing', () => {
    const config = {
      pin: secret(integer('PIN')),
      keys: secret(list('KEYS')),
      token: secret(text('TOKEN', 'for development')),
      proxy: secret(optional('PROXY')),
    }
    const read = readValues(config, { environment: { PIN: '1234', KEYS: 'a,b' } })
    expect(read.problems).toEqual([])
    expect(read.values.pin.reveal()).toBe(1234)
    expect(read.values.keys.reveal()).toEqual(['a', 'b'])
    expect(read.values.token.reveal()).toBe('for development')
    expect(read.values.proxy).toBeUndefined()
    expect(JSON.stringify(config)).not.toContain('development')
  })

  it('is hidden once, however often it is wrapped', () => {
    const twice = secret(secret(text('TOKEN', 'x')))
    expect(twice.parse('y')?.reveal()).toBe('y')
    expect(twice.fallback?.reveal()).toBe('x')
  })

  it('counts as not set where its reader says so', () => {
    const { problems } = readValues({ keys: secret(list('KEYS')) }, { environment: { KEYS: ',' } })
    expect(problems).toMatchObject([{ code: 'config.missing' }])
  })
})

it('marks a schema as well', () => {
  expect(isSecret({ ...secret(Type.String()) })).toBe(true)
})
