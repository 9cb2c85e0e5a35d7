import { ConfigError } from '@tenon/core'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect, it } from 'vitest'
import { jwtAuthenticator } from '../jwt/jwt-authenticator.ts'
import { ask, bearer } from '../jwt/token.test-harness.ts'
import { accessTokens, type AccessTokens } from './access-tokens.ts'
import { memorySigningKeys } from './signing-key.ts'

const hourMs = 3_600_000

function issuerAt(start: number) {
  const clock = { now: start }
  const keys = memorySigningKeys()
  const options = {
    issuer: 'https://id.example',
    audience: 'shop',
    keys,
    keyLifetimeMs: 3 * hourMs,
    now: () => clock.now,
  }
  return { clock, keys, tokens: accessTokens(options), other: accessTokens(options) }
}

/** As another service verifies, which asks for the keys when it must. */
function verifierOf(tokens: AccessTokens, clock: { readonly now: number }, audience = 'shop') {
  return jwtAuthenticator({
    issuer: 'https://id.example',
    audience,
    algorithms: ['ES256'],
    type: 'at+jwt',
    jwks: { url: 'https://id.example/keys', fetch: async () => Response.json(await tokens.keySet()) },
    clock: { now: () => clock.now, elapsedMs: () => clock.now },
  })
}

it('issues tokens that another service believes, with roles and scopes', async () => {
  const { clock, tokens } = issuerAt(1_790_000_000_999)
  const principal = { id: 'ada', roles: ['admin'], scopes: ['order:read', 'order:write'] }
  const { token, expiresAt } = await tokens.issue({ ...principal, claims: { password: 'hunter2' } })
  const found = await ask(verifierOf(tokens, clock), bearer(token))
  expect(found).toMatchObject(principal)
  expect(found?.claims).not.toHaveProperty('password')
  expect(expiresAt).toBe(1_790_000_300_000)
  expect(decodeJwt(token).exp).toBe(expiresAt / 1000)
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
  await expect(ask(verifierOf(tokens, clock, 'bank'), bearer(token))).rejects.toMatchObject({ code: 'unauthenticated' })
  clock.now = expiresAt + 5_001
  await expect(ask(verifierOf(tokens, clock), bearer(token))).rejects.toMatchObject({ code: 'unauthenticated' })
})

it('publishes what verifies, and nothing that signs', async () => {
  const { tokens } = issuerAt(0)
  const { token } = await tokens.issue({ id: 'ada' })
  const { keys } = await tokens.keySet()
  expect(keys).toEqual([
    {
      kty: 'EC',
      crv: 'P-256',
      x: expect.stringMatching(/^[\w-]{43}$/),
      y: expect.stringMatching(/^[\w-]{43}$/),
      kid: decodeProtectedHeader(token).kid,
      alg: 'ES256',
      use: 'sig',
    },
  ])
})

it('changes its key without a token that is refused, for verifiers that keep keys and for those that come anew', async () => {
  const { clock, tokens, other } = issuerAt(1_790_000_000_000)
  const verifier = verifierOf(tokens, clock)
  const usedKeys = new Set<string | undefined>()
  const keyCounts = new Set<number>()
  const end = clock.now + 10 * hourMs
  let before = await tokens.issue({ id: 'ada' })
  // Every five minutes, the life of a token, and two instances that take turns. A verifier's keys are at most ten minutes old then.
  for (; clock.now < end; clock.now += 300_000) {
    await (clock.now % hourMs === 0 ? tokens.rotateKeys() : other.rotateKeys())
    const now = await other.issue({ id: 'ada' })
    for (const { token } of [before, now]) expect((await ask(verifier, bearer(token)))?.id).toBe('ada')
    before = now
    usedKeys.add(decodeProtectedHeader(now.token).kid)
    keyCounts.add((await tokens.keySet()).keys.length)
  }
  expect(usedKeys.size).toBe(3)
  expect(keyCounts).toEqual(new Set([1, 2]))
})

it('signs with the same keys after a restart, and with no new one', async () => {
  const { clock, tokens, other } = issuerAt(1_790_000_000_000)
  const { token } = await tokens.issue({ id: 'ada' })
  expect((await ask(verifierOf(other, clock), bearer(token)))?.id).toBe('ada')
  expect(decodeProtectedHeader((await other.issue({ id: 'bob' })).token).kid).toBe(decodeProtectedHeader(token).kid)
})

it('never gives the same token twice', async () => {
  const { tokens } = issuerAt(0)
  const issued = [await tokens.issue({ id: 'ada' }), await tokens.issue({ id: 'ada' })]
  expect(new Set(issued.map(({ token }) => decodeJwt(token).jti)).size).toBe(2)
})

it('refuses what a token would say otherwise', async () => {
  const { tokens } = issuerAt(0)
  for (const scopes of [['order:read admin'], [''], ['a\nb']])
    await expect(tokens.issue({ id: 'ada', scopes })).rejects.toThrow('scope')
  await expect(tokens.issue({ id: '' })).rejects.toThrow('an id')
})

it.each([
  { issuer: '' },
  { audience: [] },
  { lifetimeMs: 999 },
  { keyLifetimeMs: 59_999 },
  { publishAheadMs: 86_400_001 },
  { algorithm: 'none' },
])('refuses the options %j', (options) => {
  const base = { issuer: 'a', audience: 'b', keys: memorySigningKeys() }
  expect(() => accessTokens({ ...base, ...(options as object) })).toThrow(ConfigError)
})
