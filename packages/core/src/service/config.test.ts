import { describe, expect, it } from 'vitest'
import { ConfigError } from '../error/setup-error.ts'
import { type ConfigReader, flag, integer, list, optional, port, readConfig, text } from './config.ts'

describe('readConfig', () => {
  it('reads every kind of setting', () => {
    const config = {
      httpPort: port('HTTP_PORT'),
      poolSize: integer('POOL_SIZE', 10, { min: 1, max: 100 }),
      region: text('REGION'),
      databaseUrl: optional('DATABASE_URL'),
      brokers: list('BROKERS'),
      isVerbose: flag('VERBOSE'),
    }
    const settings = readConfig(config, {
      HTTP_PORT: '0',
      POOL_SIZE: '100',
      REGION: 'eu',
      DATABASE_URL: 'postgres://x',
      BROKERS: ' a:1, ,b:2,',
      VERBOSE: 'true',
    })
    expect(settings).toEqual({
      httpPort: 0,
      poolSize: 100,
      region: 'eu',
      databaseUrl: 'postgres://x',
      brokers: ['a:1', 'b:2'],
      isVerbose: true,
    })
    expect(Object.isFrozen(settings)).toBe(true)
  })

  it.each([[{}], [{ P: '', I: '', T: '', O: '', L: '', F: '' }]])('falls back where %j sets nothing', (environment) => {
    const config = {
      port: port('P', 3001),
      integer: integer('I', -1),
      text: text('T', 'x'),
      optional: optional('O'),
      list: list('L', ['a']),
      flag: flag('F', false),
    }
    expect(readConfig(config, environment)).toEqual({
      port: 3001,
      integer: -1,
      text: 'x',
      optional: undefined,
      list: ['a'],
      flag: false,
    })
  })

  it('names all that is missing or cannot be read, at once', () => {
    const config = {
      httpPort: port('HTTP_PORT'),
      grpcPort: port('GRPC_PORT'),
      poolSize: integer('POOL_SIZE', 10, { min: 1, max: 100 }),
      region: text('REGION'),
      brokers: list('BROKERS'),
      isVerbose: flag('VERBOSE'),
    }
    const environment = { HTTP_PORT: '70000', POOL_SIZE: '1.5', VERBOSE: 'yes' }
    expect(() => readConfig(config, environment)).toThrow(
      new ConfigError([
        {
          code: 'config.malformed',
          message: 'HTTP_PORT (setting httpPort): expected a whole number from 0 to 65535, found "70000"',
        },
        {
          code: 'config.missing',
          message: 'GRPC_PORT (setting grpcPort) is not set: expected a whole number from 0 to 65535',
        },
        {
          code: 'config.malformed',
          message: 'POOL_SIZE (setting poolSize): expected a whole number from 1 to 100, found "1.5"',
        },
        { code: 'config.missing', message: 'REGION (setting region) is not set: expected text' },
        { code: 'config.missing', message: 'BROKERS (setting brokers) is not set: expected texts separated by commas' },
        { code: 'config.malformed', message: 'VERBOSE (setting isVerbose): expected true or false, found "yes"' },
      ]),
    )
  })

  it.each(['', ' ', 'x', '1e3', '0x10', '1 ', '+1', '99999999999999999999', '-', 'NaN', '１'])(
    'takes %j for no whole number',
    (given) => expect(() => readConfig({ n: integer('N') }, { N: given })).toThrow(ConfigError),
  )

  it("takes what a reader of the user's own throws for text that cannot be read", () => {
    const json: ConfigReader<unknown> = {
      variable: 'RULES',
      expected: 'JSON',
      fallback: undefined,
      isRequired: true,
      parse: (given) => JSON.parse(given) as unknown,
    }
    expect(readConfig({ rules: json }, { RULES: '[1]' })).toEqual({ rules: [1] })
    expect(() => readConfig({ rules: json }, { RULES: '[' })).toThrow('RULES (setting rules): expected JSON, found "["')
  })
})
