import { describe, expect, it } from 'vitest'
import { hook } from './hook.ts'
import { token, type Token } from './provider.ts'

const run = () => undefined

describe('hook', () => {
  it('keeps what it is told, frozen', () => {
    const db = token<string>('db')
    const made = hook('migrate', run, { needs: [db], timeoutMs: 5_000 })
    expect(made).toMatchObject({ name: 'migrate', needs: [db], timeoutMs: 5_000 })
    expect(Object.isFrozen(made)).toBe(true)
    expect(hook('plain', run)).toMatchObject({ needs: [], timeoutMs: undefined })
  })

  it('tells all that is wrong at once', () => {
    expect(() => hook(' ', 7 as never, { timeoutMs: 0 })).toThrow(
      'hook(…): the name must be one line of 1 to 100 characters, found " " [config.malformed]\n' +
        'hook(" ", …): expected a function, found 7 [config.malformed]\n' +
        'hook(" ", …): timeoutMs must be from 1 to 3600000, found 0 [config.out_of_range]',
    )
    expect(() => hook('a\nb', run)).toThrow('one line')
    expect(() => hook('late', run, { timeoutMs: Number.NaN })).toThrow('config.out_of_range')
  })

  it('names the need that an import cycle left undefined', () => {
    expect(() => hook('migrate', run, { needs: [undefined as unknown as Token] })).toThrow(
      'hook("migrate", …): needs: expected classes and tokens, found undefined: import cycle? [wiring.missing_provider]',
    )
  })
})
