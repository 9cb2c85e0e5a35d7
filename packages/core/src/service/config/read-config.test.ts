import { describe, expect, it } from 'vitest'
import { type ConfigReader, flag, integer, list, optional, port, text } from './config.ts'
import { readValues } from './read-config.test-harness.ts'
import { secret } from './secret.ts'

const config = {
  httpPort: port('HTTP_PORT'),
  poolSize: integer('POOL_SIZE', 10, { min: 1, max: 100 }),
  region: text('REGION'),
  databaseUrl: optional('DATABASE_URL'),
  brokers: list('BROKERS'),
  isVerbose: flag('VERBOSE'),
}

const json: ConfigReader<unknown> = {
  variable: 'RULES',
  expected: 'JSON',
  fallback: undefined,
  isRequired: true,
  parse: (given) => JSON.parse(given) as unknown,
}

describe('readConfig', () => {
  it('reads every kind of setting', () => {
    const { values, problems } = readValues(config, {
      environment: {
        HTTP_PORT: '0',
        POOL_SIZE: '100',
        REGION: 'eu',
        DATABASE_URL: 'postgres://x',
        BROKERS: ' a:1, ,b:2,',
        VERBOSE: 'true',
      },
    })
    expect(problems).toEqual([])
    expect(values).toEqual({
      httpPort: 0,
      poolSize: 100,
      region: 'eu',
      databaseUrl: 'postgres://x',
      brokers: ['a:1', 'b:2'],
      isVerbose: true,
    })
  })

  it.each([[{}], [{ P: '', I: '', T: '', O: '', L: ' , ', F: '' }]])(
    'falls back where %j sets nothing',
    (environment) => {
      const { values, problems } = readValues(
        {
          port: port('P', 3001),
          integer: integer('I', -1),
          text: text('T', 'x'),
          optional: optional('O'),
          list: list('L', ['a']),
          flag: flag('F', false),
        },
        { environment },
      )
      expect(problems).toEqual([])
      expect(values).toEqual({ port: 3001, integer: -1, text: 'x', optional: undefined, list: ['a'], flag: false })
    },
  )

  it('names all that is missing or cannot be read, at once, and where it was found', () => {
    const environment = { HTTP_PORT: '70000', POOL_SIZE: '1.5', VERBOSE: 'yes', BROKERS: ',' }
    const origins = new Map([['VERBOSE', '.env']])
    const { values, problems } = readValues(config, { environment, origins })
    expect(problems).toEqual([
      {
        code: 'config.malformed',
        message: 'HTTP_PORT (setting httpPort): expected a whole number from 0 to 65535, found "70000"',
      },
      {
        code: 'config.malformed',
        message: 'POOL_SIZE (setting poolSize): expected a whole number from 1 to 100, found "1.5"',
      },
      { code: 'config.missing', message: 'REGION (setting region) is not set: expected text' },
      { code: 'config.missing', message: 'BROKERS (setting brokers) is not set: expected texts separated by commas' },
      { code: 'config.malformed', message: 'VERBOSE (setting isVerbose): expected true or false, found "yes" in .env' },
    ])
    expect(values).toMatchObject({ httpPort: 0, poolSize: 1, region: 'example', brokers: ['example'] })
  })

  it('shows of a long text only its beginning, on one line', () => {
    const { problems } = readValues({ n: integer('N') }, { environment: { N: `1\n${'x'.repeat(1_000)}` } })
    expect(problems[0]?.message).toMatch(/found "1\\nx{78}…"$/)
  })

  it('hides what was received for a secret, also where it came from a reader that throws', () => {
    const hidden = { key: secret(integer('KEY')), rules: secret(json), token: secret(text('TOKEN')) }
    const { problems } = readValues(hidden, { environment: { KEY: 'hunter2', RULES: 'hunter2', TOKEN: '' } })
    expect(problems).toEqual([
      {
        code: 'config.malformed',
        message: 'KEY (setting key): expected a whole number from -9007199254740991 to 9007199254740991, found ***',
      },
      { code: 'config.malformed', message: 'RULES (setting rules): expected JSON, found ***' },
      { code: 'config.missing', message: 'TOKEN (setting token) is not set: expected text' },
    ])
  })

  it("takes what a reader of the user's own throws for text that cannot be read", () => {
    const read = (RULES: string) => readValues({ rules: json }, { environment: { RULES } })
    expect(read('[1]')).toEqual({ values: { rules: [1] }, problems: [] })
    expect(read('[').problems).toMatchObject([{ message: 'RULES (setting rules): expected JSON, found "["' }])
  })
})
