import { expect, it } from 'vitest'
import { ConfigError } from '../../error/setup-error.ts'
import { contract } from '../../contract/contract.ts'
import type { ClientInterceptor } from '../client-method.ts'
import type { ClientTransport } from '../client-transport.ts'
import { remote } from '../remote.ts'
import { markConfidential } from './confidential.ts'

const notes = contract('shop.ConfidentialService', {})
const send: ClientInterceptor = (_call, next) => next()
const interceptors = [markConfidential((call, next) => send(call, next)) satisfies ClientInterceptor]

function via(protocol: string, isRelayed = false): ClientTransport {
  const open = () => {
    throw new TypeError('nothing is opened before the service starts')
  }
  return { name: 'test', protocol, isRelayed, schemes: ['http', 'https'], open }
}

it.each([
  ['http', 'local'],
  ['http', 'static:///127.0.0.1:80'],
  ['grpc', 'static:///localhost:80,[::1]:81,unix:/run/a'],
  ['http', 'http://localhost:3000'],
  ['http', 'http://[::1]/base'],
  ['http', 'https://order.example'],
  ['https', 'static:///order.example:443'],
  ['grpcs', 'registry:///order'],
  ['grpcs', 'dns:///order.example:443'],
])('lets a token go by %s to %s', (protocol, at) => {
  expect(() => remote(notes, { via: via(protocol), at, interceptors })).not.toThrow()
})

it.each([
  ['http', 'static:///order.example:80'],
  ['http', 'static:///127.0.0.1:80,10.0.0.1:80'],
  ['http', 'static:///127.0.0.1.evil.example:80'],
  ['http', 'static:///localhost.evil.example:80'],
  ['http', 'http://order.example'],
  ['http', 'http://127.0.0.1.evil.example'],
  ['grpc', 'registry:///order'],
  ['grpc', 'dns:///localhost:80'],
])('lets no token go by %s to %s', (protocol, at) => {
  expect(() => remote(notes, { via: via(protocol), at, interceptors })).toThrow(ConfigError)
  expect(() => remote(notes, { via: via(protocol), at, interceptors: [send] })).not.toThrow()
})

it.each(['static:///127.0.0.1:80', 'http://localhost:3000'])('lets no token go to %s by somebody else', (at) => {
  expect(() => remote(notes, { via: via('http', true), at, interceptors })).toThrow(ConfigError)
})

it.each([
  ['http', 'local'],
  ['http', 'https://order.example'],
  ['https', 'static:///order.example:443'],
])('lets a token go by %s to %s, whoever passes on what is encrypted', (protocol, at) => {
  expect(() => remote(notes, { via: via(protocol, true), at, interceptors })).not.toThrow()
})

it('looks again where a remote is moved', () => {
  const { remote: made } = remote(notes, { via: via('http'), at: 'local', interceptors })
  expect(made?.movedTo('static:///127.0.0.1:80')).toBeDefined()
  expect(() => made?.movedTo('static:///10.0.0.1:80')).toThrow(/confidential/)
})
