import { defineService, flag, integer, list, optional, port, secret, text } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { configText, readEnvFile, secretText } from './env-file.ts'
import { described } from './sample-service.test-harness.ts'

const service = defineService({
  name: 'note',
  version: '1.0.0',
  config: {
    port: port('PORT'),
    adminPort: port('ADMIN_PORT', 9000),
    level: integer('LEVEL', undefined, { min: -3, max: 9 }),
    isOpen: flag('IS_OPEN'),
    place: text('PLACE'),
    brokers: list('BROKERS', ['a:1', 'b:2']),
    note: optional('NOTE'),
    host: optional('TENON_HOST'),
    password: secret(text('PASSWORD')),
    token: secret(optional('TOKEN')),
  },
  handlers: [],
})
const description = service.describe({ environment: {} })

describe('configText', () => {
  it('lists every setting that is no secret: what is expected, its default, and an empty line where it is required, but for a port', () => {
    expect(configText(description).split('\n').slice(2)).toEqual([
      '',
      '# a whole number from 0 to 65535; required, this is an example',
      'PORT=8080',
      '',
      '# a whole number from 0 to 65535; default 9000',
      '# ADMIN_PORT=9000',
      '',
      '# a whole number from -3 to 9; required, the service cannot start without',
      'LEVEL=',
      '',
      '# true or false; required, the service cannot start without',
      'IS_OPEN=',
      '',
      '# text; required, the service cannot start without',
      'PLACE=',
      '',
      '# texts separated by commas; default a:1,b:2',
      '# BROKERS=a:1,b:2',
      '',
      '# text; optional',
      '# NOTE=',
      '',
      '# least level that is logged; default info',
      '# LOG_LEVEL=info',
      '',
    ])
  })

  it('has what was given, which the service takes; and makes nothing up that it would', async () => {
    const given = { PORT: '8080', LEVEL: '1', IS_OPEN: 'true', PLACE: 'here', PASSWORD: 'made-up' }
    const problemsWith = async (settings: typeof given | undefined) => {
      const environment = readEnvFile(configText(description, settings) + secretText(description, settings))
      return (await service.check({ environment })).problems
    }
    expect(await problemsWith(given)).toEqual([])
    expect(await problemsWith(undefined)).toHaveLength(Object.keys(given).length - 1)
  })
})

describe('secretText', () => {
  it('lists the secrets, and says how they get into the cluster', () => {
    const lines = secretText(description)?.split('\n')
    expect(lines).toContain('PASSWORD=')
    expect(lines).toContain('# TOKEN=')
    expect(lines).toContain('#   kubectl create secret generic note-secret --from-env-file=<file>')
    expect(lines?.join()).not.toContain('PLACE')
  })

  it('is not there for a service without secrets', () => {
    expect(secretText(described())).toBeUndefined()
  })
})

describe('readEnvFile', () => {
  it('reads lines as kubectl does', () => {
    expect(readEnvFile('# A=1\n\nB=2\r\n  C="3" \nURL=postgres://a:b@c/d?e=f\nEMPTY=\nNOTHING\n')).toEqual({
      B: '2',
      C: '"3" ',
      URL: 'postgres://a:b@c/d?e=f',
      EMPTY: '',
    })
  })
})
