import { ConfigError, type ServiceError } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { certificateAuthenticator, type CertificateOptions } from './certificate-authenticator.ts'
import { authority, type Identity, parsed } from './certificate.test-harness.ts'
import { readIdentity, readNames } from './certificate-identity.ts'
import { readSpiffeId } from './spiffe-id.ts'

const ca = authority()
const order = ca.sign('URI:spiffe://prod.example/ns/shop/sa/order', 'DNS:order', 'DNS:order.shop.svc')
const trustDomains = ['prod.example']

const outcomeOf = (shown: Identity | undefined, options: CertificateOptions) =>
  Promise.resolve(
    certificateAuthenticator(options)({
      transport: 'test',
      metadata: {},
      certificate: shown && parsed(shown),
    }),
  ).then(
    (principal) => principal?.id,
    (error: ServiceError) => {
      expect(error).toMatchObject({ code: 'unauthenticated', reason: 'invalid_certificate' })
      return (error.cause as Error).message
    },
  )

describe('a certificate', () => {
  it('says who calls by the one workload that it names', async () => {
    expect(await outcomeOf(order, { trustDomains })).toBe('spiffe://prod.example/ns/shop/sa/order')
  })

  it('needs no subject', async () => {
    const workload = ca.signUnnamed('URI:spiffe://prod.example/order')
    expect(await outcomeOf(workload, { trustDomains })).toBe('spiffe://prod.example/order')
    expect(readIdentity(parsed(workload)).subject).toEqual({})
  })

  it('says who calls by its names of hosts, its subject or its print, where principal says so', async () => {
    const principal: CertificateOptions['principal'] = ({ dnsNames, subject, uris, fingerprint256, spiffeId }) => ({
      id: [uris[0], ...dnsNames, subject['CN'], subject['O'], spiffeId?.path, fingerprint256.length].join(' '),
    })
    expect(await outcomeOf(order, { principal })).toBe(
      'spiffe://prod.example/ns/shop/sa/order order order.shop.svc order Shop /ns/shop/sa/order 95',
    )
  })

  it('is not asked for: a caller without one is passed on', async () => {
    expect(await outcomeOf(undefined, { trustDomains })).toBeUndefined()
  })

  it.each([
    ['of another trust domain', 'URI:spiffe://test.example/ns/shop/sa/order'],
    ['of a trust domain that only ends so', 'URI:spiffe://evil-prod.example/order'],
    ['with two workloads', 'URI:spiffe://prod.example/order', 'URI:spiffe://prod.example/root'],
    ['with names of hosts alone', 'DNS:prod.example'],
    ['with a URI of another kind', 'URI:https://prod.example/order'],
    ['with a path that leads elsewhere', 'URI:spiffe://prod.example/order/../root'],
    ['with a name that holds another', 'DNS:a, URI:spiffe://prod.example/root'],
  ])('is refused that is %s', async (_what, ...names) => {
    expect(await outcomeOf(ca.sign(...names), { trustDomains })).toBe(
      'the certificate names no workload of a trusted domain',
    )
  })

  it('is refused once it has expired, also on a connection that was opened before', async () => {
    const endsAt = Date.parse(parsed(order).validTo)
    expect(await outcomeOf(order, { trustDomains, now: () => endsAt })).toContain('spiffe://')
    expect(await outcomeOf(order, { trustDomains, now: () => endsAt + 1 })).toBe('the certificate has expired')
  })

  it('is refused of which principal knows nobody, and is judged by both where both are given', async () => {
    const principal: CertificateOptions['principal'] = ({ spiffeId }) =>
      spiffeId?.path === '/root' ? undefined : { id: String(spiffeId?.path) }
    expect(await outcomeOf(order, { trustDomains, principal })).toBe('/ns/shop/sa/order')
    const root = ca.sign('URI:spiffe://prod.example/root')
    expect(await outcomeOf(root, { trustDomains, principal })).toBe('the certificate names nobody who may call')
    const stranger = ca.sign('URI:spiffe://test.example/order')
    expect(await outcomeOf(stranger, { trustDomains, principal })).toContain('no workload')
  })
})

describe('alternative names', () => {
  it('are told apart, also those that hold a comma or a quote', () => {
    expect(readNames('')).toEqual([])
    expect(readNames('DNS:a, URI:spiffe://b/c, IP Address:127.0.0.1')).toEqual([
      ['DNS', 'a'],
      ['URI', 'spiffe://b/c'],
      ['IP Address', '127.0.0.1'],
    ])
    expect(readNames('DNS:"a, URI:spiffe://b/\\u0000\\"", DNS:d')).toEqual([
      ['DNS', 'a, URI:spiffe://b/\u0000"'],
      ['DNS', 'd'],
    ])
  })

  it.each(['DNS:"a', 'a', 'DNS:a,URI:b', 'DNS:a"b"', ', DNS:a'])(
    'that cannot be told apart are an error: %s',
    (text) => {
      expect(() => readNames(text)).toThrow('cannot be read')
    },
  )

  it('of a certificate without any are none', () => {
    const subject = readIdentity(parsed(ca))
    expect(subject).toMatchObject({ uris: [], dnsNames: [], spiffeId: undefined, subject: { CN: 'authority' } })
  })
})

it.each([
  ['spiffe://prod.example', ''],
  ['spiffe://prod.example/a', '/a'],
  ['spiffe://prod_1.example/a/B-c._1', '/a/B-c._1'],
])('%s is the id of a workload', (id, path) => {
  expect(readSpiffeId(id)).toMatchObject({ id, path })
})

it.each([
  'spiffe://',
  'spiffe:///a',
  'SPIFFE://prod.example/a',
  'spiffe://Prod.example/a',
  'spiffe://prod.example:443/a',
  'spiffe://user@prod.example/a',
  'spiffe://prod.example/a/',
  'spiffe://prod.example//a',
  'spiffe://prod.example/a/./b',
  'spiffe://prod.example/..',
  'spiffe://prod.example/a?b',
  'spiffe://prod.example/a#b',
  'spiffe://prod.example/%61',
  `spiffe://${'a'.repeat(256)}/a`,
  `spiffe://prod.example/${'a'.repeat(2_048)}`,
])('%s is none', (text) => {
  expect(readSpiffeId(text)).toBeUndefined()
})

it.each<[string, object]>([
  ['nothing', {}],
  ['no domain', { trustDomains: [] }],
  ['a domain with a path', { trustDomains: ['prod.example/order'] }],
  ['a domain as an id', { trustDomains: ['spiffe://prod.example'] }],
  ['a principal that is no function', { principal: 'ada' }],
  ['an option that is none', { trustDomains, trustDomain: 'a' }],
])('certificateAuthenticator refuses %s', (_what, options) => {
  expect(() => certificateAuthenticator(options)).toThrow(ConfigError)
})
