import { describe, expect, it } from 'vitest'
import { token } from './provider.ts'
import { task } from './task.ts'

const run = () => undefined

describe('task', () => {
  it('begins again after failures, for ever and less and less often, unless told otherwise', () => {
    const settings = { restart: 'on-failure', maxRestartCount: Infinity, initialDelayMs: 1_000, maxDelayMs: 30_000 }
    expect(task('relay', run)).toEqual({ name: 'relay', needs: [], settings, run })
  })

  it('takes what it needs and its options', () => {
    const Db = token<string>('Db')
    const options = { needs: [Db], restart: 'always', maxRestartCount: 3, initialDelayMs: 60_000 } as const
    expect(task('relay', (db: string) => db, options)).toMatchObject({
      needs: [Db],
      settings: { restart: 'always', maxRestartCount: 3, initialDelayMs: 60_000, maxDelayMs: 60_000 },
    })
  })

  it('tells all that is wrong with it', () => {
    const options = { restart: 'sometimes' as 'never', maxRestartCount: 1.5, initialDelayMs: -1 }
    expect(() => task('relay', undefined as never, options)).toThrow(
      expect.objectContaining({
        problems: [
          { code: 'config.malformed', message: 'task("relay", …): expected a function, found a undefined' },
          {
            code: 'config.malformed',
            message: 'task("relay", …): restart must be always, on-failure or never, found "sometimes"',
          },
          {
            code: 'config.out_of_range',
            message: 'task("relay", …): maxRestartCount must be a whole number from 0, found 1.5',
          },
          {
            code: 'config.out_of_range',
            message: 'task("relay", …): initialDelayMs must be from 0 to 3600000, found -1',
          },
        ],
      }),
    )
    expect(() => task('', run)).toThrow('task(…): the name must be one line of 1 to 100 characters, found ""')
    expect(() => task('relay', run, { initialDelayMs: 50, maxDelayMs: 10 })).toThrow(
      'task("relay", …): maxDelayMs must be from initialDelayMs (50) to 3600000, found 10',
    )
  })
})
