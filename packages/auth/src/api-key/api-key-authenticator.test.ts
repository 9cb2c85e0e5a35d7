import { createHash } from 'node:crypto'
import { ConfigError, ServiceError } from '@tenon/core'
import { describe, expect, it, vi } from 'vitest'
import { ask } from '../jwt/token.test-harness.ts'
import { createApiKey } from './api-key.ts'
import { apiKeyAuthenticator, type ApiKeyOptions } from './api-key-authenticator.ts'

const mine = createApiKey('shop')
const stored = { id: mine.id, hash: mine.hash, principal: { id: 'billing', scopes: ['invoice:read'] } }
const header = (key: string) => ({ 'x-api-key': key })

async function refusalOf(key: string, options: Partial<ApiKeyOptions> = {}): Promise<unknown> {
  const authenticate = apiKeyAuthenticator({ keys: [stored], ...options })
  const error: unknown = await ask(authenticate, header(key)).catch((thrown: unknown) => thrown)
  if (!ServiceError.is(error) || !(error.cause instanceof Error)) throw new TypeError('the key was taken')
  expect(error).toMatchObject({
    code: 'unauthenticated',
    reason: 'invalid_api_key',
    message: 'the credential is not valid',
  })
  return error.cause.message
}

describe('createApiKey', () => {
  it('gives a key that says whose it is, and what is kept of it', () => {
    expect(mine.key).toMatch(/^shop_[0-9a-f]{16}_[\w-]{43}$/)
    expect(mine.key.split('_')[1]).toBe(mine.id)
    expect(mine.hash).toBe(createHash('sha256').update(mine.key).digest('hex'))
    expect(mine.hash).not.toContain(mine.key.slice(-43))
  })

  it('never gives the same twice', () => {
    const all = Array.from({ length: 100 }, () => createApiKey())
    expect(new Set(all.flatMap(({ key, id }) => [key, id])).size).toBe(200)
  })

  it('refuses a prefix that a key could not be read with', () => {
    for (const prefix of ['', 'a_b', 'Shop', '1shop', 'x'.repeat(17)])
      expect(() => createApiKey(prefix)).toThrow(ConfigError)
  })
})

describe('a key', () => {
  it('says who calls, from a list or from what finds it by its id', async () => {
    expect(await ask(apiKeyAuthenticator({ keys: [stored] }), header(mine.key))).toEqual(stored.principal)
    const keys = vi.fn(async (id: string) => (id === mine.id ? stored : undefined))
    expect(await ask(apiKeyAuthenticator({ keys }), header(mine.key))).toEqual(stored.principal)
    expect(keys.mock.calls).toEqual([[mine.id]])
  })

  it('is not asked for: a caller without one is passed on', async () => {
    expect(await ask(apiKeyAuthenticator({ keys: [stored] }), {})).toBeUndefined()
  })

  it('may be in another header', async () => {
    const authenticate = apiKeyAuthenticator({ keys: [stored], header: 'x-shop-key' })
    expect(await ask(authenticate, { 'x-shop-key': mine.key })).toEqual(stored.principal)
    expect(await ask(authenticate, header(mine.key))).toBeUndefined()
  })

  it('is refused with another secret, another prefix, and an id that nobody has', async () => {
    const other = createApiKey('shop').key
    expect(await refusalOf(`shop_${mine.id}_${other.slice(-43)}`)).toBe(`what is shown is not the key ${mine.id}`)
    expect(await refusalOf(mine.key.replace('shop', 'bank'))).toBe(`what is shown is not the key ${mine.id}`)
    expect(await refusalOf(other)).toMatch(/^there is no key [0-9a-f]{16}$/)
  })

  it('is refused, and found nowhere, where it has not the form of one', async () => {
    const keys = vi.fn(() => stored)
    for (const key of ['', 'x', mine.id, mine.hash, `${mine.key}x`, ` ${mine.key}`, 'a'.repeat(1_000_000)])
      expect(await refusalOf(key, { keys })).toBe('what is shown has not the form of a key')
    expect(keys).not.toHaveBeenCalled()
  })

  it('is refused once it has expired', async () => {
    const keys = [{ ...stored, expiresAt: 1_000 }]
    expect(await ask(apiKeyAuthenticator({ keys, now: () => 999 }), header(mine.key))).toEqual(stored.principal)
    expect(await refusalOf(mine.key, { keys, now: () => 1_000 })).toBe(`the key ${mine.id} has expired`)
  })

  it('is refused where what is kept of it is damaged', async () => {
    expect(await refusalOf(mine.key, { keys: () => ({ ...stored, hash: '' }) })).toContain('is not the key')
    expect(await refusalOf(mine.key, { keys: () => ({ ...stored, hash: mine.hash.slice(2) }) })).toContain('is not')
  })
})

it.each<[string, object]>([
  ['nothing', {}],
  ['keys that are not hashed', { keys: [{ ...stored, hash: mine.key }] }],
  ['a key of nobody', { keys: [{ id: mine.id, hash: mine.hash }] }],
  ['a header in upper case', { keys: [], header: 'X-Api-Key' }],
  ['an option that is none', { keys: [], hash: 'sha1' }],
])('apiKeyAuthenticator refuses %s', (_what, options) => {
  expect(() => apiKeyAuthenticator(options as ApiKeyOptions)).toThrow(ConfigError)
})
