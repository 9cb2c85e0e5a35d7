import { event } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import type { AsyncApiOptions } from '../asyncapi-options.ts'
import { asyncapi } from '../asyncapi.ts'

const placed = event('shop.order.placed.v1', { key: 'id', payload: Type.Object({ id: Type.String() }) })

const problemsOf = (options: object): readonly string[] => {
  try {
    asyncapi(placed, options as AsyncApiOptions)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message)
    throw error
  }
  return []
}

const tokenUrl = 'https://id.example.com/token'
const availableScopes = { queue: 'All topics.' }
const oauth = (flows: unknown, more: object = {}) => ({
  securitySchemes: { oauth: { type: 'oauth2', flows, ...more } },
})

describe('options', () => {
  it.each<[name: string, options: object, problem: string | RegExp]>([
    ['a name that is none', { titel: 'x' }, /^asyncapi\(\): .*titel.*title/],
    ['an empty title', { title: '' }, 'asyncapi(): title must be text that is not empty, found ""'],
    ['a license without a name', { license: {} }, 'asyncapi(): license.name must be text that is not empty, found ""'],
    [
      'a field of OpenAPI alone',
      { license: { name: 'MIT', identifier: 'MIT' } },
      /^asyncapi\(\): license: .*identifier/,
    ],
    ['a mode that is none', { mode: 'batch' }, 'asyncapi(): mode must be one of binary, structured, found "batch"'],
    ['tags that are texts', { tags: ['a'] }, 'asyncapi(): tags[0] must be an object, found "a"'],
    ['servers in a list', { servers: [] }, 'asyncapi(): servers must have brokers by name, found an object'],
    [
      'a host with a user, which is not shown',
      { servers: { live: { host: 'me:secret@kafka:9092' } } },
      'asyncapi(): servers.live.host must be host and port of one broker such as kafka.example.com:9092, without a user',
    ],
    [
      'another protocol',
      { servers: { live: { host: 'kafka:9092', protocol: 'amqp' } } },
      'asyncapi(): servers.live.protocol must be one of kafka, kafka-secure, found "amqp"',
    ],
    [
      'a scheme that is not there',
      { servers: { live: { host: 'kafka:9092', security: ['sasl'] } } },
      'asyncapi(): servers.live.security must name schemes of securitySchemes, there are none',
    ],
    [
      'a password',
      { securitySchemes: { sasl: { type: 'plain', password: 'secret' } } },
      'asyncapi(): securitySchemes.sasl.password does not belong in a document; it has names and no secrets: expected type, description',
    ],
    [
      'a type of scheme that is none',
      { securitySchemes: { sasl: { type: 'kerberos' } } },
      /^asyncapi\(\): securitySchemes\.sasl\.type must be one of plain, /,
    ],
    ['a name with a slash', { servers: { 'a/b': { host: 'kafka' } } }, /^asyncapi\(\): servers: "a\/b" must be a name/],
  ])('refuse %s', (_name, options, problem) => {
    expect(problemsOf(options)).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)])
  })

  it.each<[name: string, options: object]>([
    ['a secret beside flows', oauth({}, { clientSecret: 'hunter2' })],
    ['a secret among flows', oauth({ clientSecret: 'hunter2' })],
    ['a secret in a flow', oauth({ clientCredentials: { tokenUrl, availableScopes, clientSecret: 'hunter2' } })],
    ['an extension', oauth({ clientCredentials: { tokenUrl, availableScopes, 'x-password': 'hunter2' } })],
    ['an address with a user', oauth({ password: { tokenUrl: 'https://me:hunter2@id.example.com', availableScopes } })],
    [
      'an address with a query',
      oauth({ password: { tokenUrl: `${tokenUrl}?client_secret=hunter2`, availableScopes } }),
    ],
    ['a scope that is no text', oauth({ password: { tokenUrl, availableScopes: { hunter2: 5 } } })],
    ['flows that are text', oauth('hunter2')],
    ['a scheme that is text', { securitySchemes: { sasl: 'hunter2' } }],
    ['a page with a user', { contact: { url: 'https://me:hunter2@example.com' } }],
  ])('keep %s out of the document and of the error', (_name, options) => {
    const problems = problemsOf(options)
    expect(problems).toHaveLength(1)
    expect(problems.join()).not.toContain('hunter2')
  })

  it('name the secret that does not belong', () => {
    const flow = { tokenUrl, availableScopes, clientSecret: 'hunter2' }
    expect(problemsOf(oauth({ clientCredentials: flow }))).toEqual([
      'asyncapi(): securitySchemes.oauth.flows.clientCredentials.clientSecret does not belong in a document; it has names and no secrets: expected tokenUrl, refreshUrl, availableScopes',
    ])
  })

  it.each<[options: object, path: string]>([
    [{ description: 7 }, 'description'],
    [{ termsOfService: 'by agreement' }, 'termsOfService'],
    [{ contact: { url: 5 } }, 'contact.url'],
    [{ contact: { url: 'example.com' } }, 'contact.url'],
    [{ contact: { url: 'https://example.com/a b' } }, 'contact.url'],
    [{ contact: { url: 'https://example.com:99999' } }, 'contact.url'],
    [{ contact: { email: 'nobody' } }, 'contact.email'],
    [{ contact: { name: 1 } }, 'contact.name'],
    [{ license: { name: 'MIT', url: 'MIT' } }, 'license.url'],
    [{ tags: [{ name: 'a', foo: 1 }] }, 'tags[0]'],
    [{ tags: [{ name: 'a', description: 1 }] }, 'tags[0].description'],
    [{ tags: {} }, 'tags'],
    [{ formats: [{ name: 'protobuf' }] }, 'formats[0].contentType'],
    [{ servers: { a: { host: 'a:9092,b:9092' } } }, 'servers.a.host'],
    [{ servers: { a: { host: '{name}:9092' } } }, 'servers.a.host'],
    [{ servers: { a: { host: 'a', protocolVersion: 4 } } }, 'servers.a.protocolVersion'],
    [{ servers: { a: { host: 'a', description: {} } } }, 'servers.a.description'],
    [{ servers: JSON.parse('{"__proto__":{"host":"a"}}') as object }, 'servers'],
    [{ securitySchemes: { a: { type: 'constructor' } } }, 'securitySchemes.a.type'],
    [{ securitySchemes: { a: { type: 'http' } } }, 'securitySchemes.a.type'],
    [{ securitySchemes: { a: { type: 'apiKey', in: 'nowhere' } } }, 'securitySchemes.a.type'],
    [{ securitySchemes: { a: { type: 'plain', description: 7 } } }, 'securitySchemes.a.description'],
    [oauth({ implicit: { tokenUrl, availableScopes, authorizationUrl: tokenUrl } }), '…oauth.flows.implicit.tokenUrl'],
    [oauth({ authorizationCode: { tokenUrl, availableScopes } }), '…oauth.flows.authorizationCode.authorizationUrl'],
    [oauth({ password: { tokenUrl } }), '…oauth.flows.password.availableScopes'],
    [oauth({}, { scopes: 'queue' }), '…oauth.scopes'],
  ])('%j are refused, which would make the document invalid', (options, path) => {
    const [problem = '', ...others] = problemsOf(options)
    expect(others).toEqual([])
    const start = `asyncapi(): ${path.replace('…', 'securitySchemes.')}`
    expect(problem.slice(0, start.length + 1)).toMatch(/[: ]$/)
    expect(problem).toContain(start)
  })

  it('are taken with every way in that the drivers have', () => {
    const flow = { tokenUrl, refreshUrl: tokenUrl, availableScopes }
    const securitySchemes = {
      plain: { type: 'plain' },
      short: { type: 'scramSha256' },
      long: { type: 'scramSha512' },
      certificate: { type: 'X509', description: 'One for each service.' },
      oauth: { type: 'oauth2', flows: { clientCredentials: flow }, scopes: ['queue'] },
    } satisfies AsyncApiOptions['securitySchemes']
    expect(asyncapi(placed, { securitySchemes }).components.securitySchemes).toEqual(securitySchemes)
  })
})
