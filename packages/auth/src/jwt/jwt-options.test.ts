import { ConfigError } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { jwtAuthenticator } from './jwt-authenticator.ts'
import type { JwtOptions } from './jwt-options.ts'
import { audience, issuer, keyPair, setOf } from './token.test-harness.ts'

const pair = await keyPair('first')
const right: JwtOptions = { issuer, audience, algorithms: ['ES256'], keys: setOf(pair) }
const secret: Partial<JwtOptions> = { keys: undefined as never, secret: 'x'.repeat(64) }
const jwks = (url: string) => ({ keys: undefined as never, jwks: url })

function problemsOf(options: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    jwtAuthenticator({ ...right, ...options })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message)
    throw error
  }
}

describe('jwtAuthenticator takes', () => {
  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['public keys', {}],
    ['a secret for each algorithm that it is long enough for', { ...secret, algorithms: ['HS256', 'HS384', 'HS512'] }],
    ['a secret that hides', { ...secret, secret: { reveal: () => 'x'.repeat(32) }, algorithms: ['HS256'] }],
    ['an address', jwks('https://id.example/keys')],
    ['an address of this host', jwks('http://127.0.0.1:8080/keys')],
    ['an address of this host by name', jwks('http://localhost:8080/keys')],
    ['an address of this host in IPv6', jwks('http://[::1]:8080/keys')],
    ['plain http where it is allowed', { keys: undefined, jwks: { url: 'http://id:8080/keys', allowHttp: true } }],
    ['several issuers with principal', { issuer: [issuer, 'b'], principal: () => undefined }],
  ])('%s', (_what, options) => {
    expect(problemsOf(options)).toEqual([])
  })
})

describe('jwtAuthenticator refuses', () => {
  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['no issuer', { issuer: undefined }, /issuer must be a text, found nothing/],
    ['an empty issuer', { issuer: [] }, /issuer must be a text or several/],
    ['no audience', { audience: undefined }, /audience must be a text/],
    ['no algorithms', { algorithms: undefined }, /algorithms must be a list/],
    ['an empty list of algorithms', { algorithms: [] }, /algorithms must be a list/],
    ['none as an algorithm', { algorithms: ['none'] }, /algorithms with public keys may be .*found "none"/],
    ['a shared secret beside public keys', { algorithms: ['ES256', 'HS256'] }, /public keys may be .*found "HS256"/],
    ['public keys beside a secret', { ...secret, algorithms: ['HS256', 'RS256'] }, /with secret may be .*"RS256"/],
    ['a short secret', { ...secret, secret: 'x'.repeat(31), algorithms: ['HS256'] }, /at least 32 bytes for HS256/],
    ['a secret too short for its hash', { ...secret, secret: 'x'.repeat(63), algorithms: ['HS512'] }, /at least 64/],
    ['a secret that is none', { ...secret, secret: 7 }, /secret must be a text/],
    ['no keys', { keys: undefined }, /exactly one of jwks, keys and secret is needed, found 0/],
    ['keys and a secret', { secret: 'x'.repeat(64) }, /exactly one of jwks, keys and secret is needed, found 2/],
    ['keys that are none', { keys: { keys: 'x' } }, /keys must be/],
    ['a private key', { keys: { keys: [{ ...pair.jwk, d: 'x' }] } }, /public keys/],
    ['a secret among the keys', { keys: { keys: [{ kty: 'oct', k: 'eA' }] } }, /public keys/],
    ['plain http to elsewhere', jwks('http://id.example/keys'), /https: address, or http: on this host/],
    ['a name that only begins like this host', jwks('http://127.0.0.1.evil.example/keys'), /https: address/],
    ['another protocol', jwks('file:///etc/keys'), /https: address/],
    ['a password in the address', jwks('https://a:b@id.example/keys'), /without a password/],
    ['what is no address', jwks('keys'), /jwks must be an address/],
    ['an option that is none', { jwks: { url: 'https://a', cachMs: 1 }, keys: undefined }, /perhaps cacheMs/],
    ['keys that are too old at once', { jwks: { url: 'https://a', maxStaleMs: 5 }, keys: undefined }, /maxStaleMs/],
    ['a name in upper case', { header: 'Authorization' }, /header must be a name in lower case/],
    ['several issuers without principal', { issuer: [issuer, 'b'] }, /principal is needed with several issuers/],
    ['an option with another name', { algorithm: 'ES256' }, /perhaps algorithms is meant/],
  ])('%s', (_what, options, text) => {
    expect(problemsOf(options).join('\n')).toMatch(text)
  })

  it('all that is wrong at once, and shows no secret', () => {
    const found = problemsOf({ issuer: 7, audience: '', secret: 'hush', keys: undefined, algorithms: ['HS256'] })
    expect(found).toHaveLength(3)
    expect(found.join()).not.toContain('hush')
  })
})
