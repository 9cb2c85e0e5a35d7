import { ConfigError } from '@tenon/core'
import { expect, it } from 'vitest'
import { memoryRefreshTokens, type RefreshTokenStore } from './refresh-token-store.ts'
import { refreshTokens } from './refresh-tokens.ts'

const dayMs = 86_400_000
const refused = { code: 'unauthenticated', reason: 'invalid_token', message: 'the refresh token is not valid' }

function tokensAt(start: number, given: RefreshTokenStore = memoryRefreshTokens()) {
  const clock = { now: start }
  const kept: unknown[] = []
  const store: RefreshTokenStore = {
    ...given,
    add: (family) => given.add((kept.push(family), family)),
    replace: (id, hash, next) => given.replace(id, hash, (kept.push(hash, next), next)),
  }
  return { clock, kept, store: given, tokens: refreshTokens({ store, now: () => clock.now }) }
}

async function causeOf(refusal: Promise<unknown>): Promise<string> {
  const error = await refusal.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject(refused)
  return ((error as Error).cause as Error).message
}

it('gives a new token for each that is used, until the login is over', async () => {
  const { clock, tokens } = tokensAt(0)
  let { token } = await tokens.issue('ada')
  const seen = new Set([token])
  for (let day = 6; day < 30; day += 6) {
    clock.now = day * dayMs
    const next = await tokens.refresh(token)
    expect(next).toEqual({ subject: 'ada', token: expect.any(String), expiresAt: Math.min(day + 7, 30) * dayMs })
    token = next.token
    seen.add(token)
  }
  expect(seen.size).toBe(5)
  clock.now = 30 * dayMs
  expect(await causeOf(tokens.refresh(token))).toContain('expired')
})

it('keeps hashes alone', async () => {
  const { kept, tokens } = tokensAt(0)
  const first = await tokens.issue('ada')
  const second = await tokens.refresh(first.token)
  expect(kept).toHaveLength(3)
  for (const { token } of [first, second]) {
    expect(token).toMatch(/^[\w-]{22}\.[\w-]{43}$/)
    expect(JSON.stringify(kept)).not.toContain(token.split('.')[1])
  }
})

it('ends the login whose token is used twice, and no other', async () => {
  const { tokens } = tokensAt(0)
  const [stolen, other] = [await tokens.issue('ada'), await tokens.issue('ada')]
  const mine = await tokens.refresh(stolen.token)
  expect(await causeOf(tokens.refresh(stolen.token))).toBe(
    'a refresh token of ada was used before: the login is revoked',
  )
  for (const { token } of [mine, stolen]) expect(await causeOf(tokens.refresh(token))).toContain('is over')
  expect(await tokens.refresh(other.token)).toMatchObject({ subject: 'ada' })
})

it('lets one of two uses at once win, and trusts neither afterwards', async () => {
  const { tokens } = tokensAt(0)
  const { token } = await tokens.issue('ada')
  const results = await Promise.allSettled([1, 2, 3].map(() => tokens.refresh(token)))
  const won = results.filter((result) => result.status === 'fulfilled')
  expect(won).toHaveLength(1)
  expect(await causeOf(tokens.refresh(won[0]?.value.token ?? ''))).toContain('is over')
})

it('leaves a token good where what goes out beside the next one cannot be made', async () => {
  const { tokens } = tokensAt(0)
  const { token } = await tokens.issue('ada')
  const away = new Error('the database is away')
  await expect(tokens.refresh(token, () => Promise.reject(away))).rejects.toBe(away)
  expect(await tokens.refresh(token, async (subject) => `for ${subject}`)).toMatchObject({ prepared: 'for ada' })
})

it('refuses a token that has expired, and what is none', async () => {
  const { clock, tokens } = tokensAt(0)
  const { token } = await tokens.issue('ada')
  const [family = ''] = token.split('.')
  for (const text of ['', family, `${token}x`, 'a'.repeat(1_000_000)])
    expect(await causeOf(tokens.refresh(text))).toContain('form')
  clock.now = 7 * dayMs
  expect(await causeOf(tokens.refresh(token))).toContain('expired')
})

it('ends a login that is revoked, by its newest token or an older one, and says nothing of others', async () => {
  const { tokens } = tokensAt(0)
  const first = await tokens.issue('ada')
  const second = await tokens.refresh(first.token)
  await tokens.revoke(first.token)
  expect(await causeOf(tokens.refresh(second.token))).toContain('is over')
  await tokens.revoke(second.token)
  await tokens.revoke('nonsense')
})

it('forgets logins that are over', async () => {
  const { clock, store, tokens } = tokensAt(0)
  const old = await tokens.issue('ada')
  clock.now = dayMs
  const young = await tokens.issue('bob')
  clock.now = 7 * dayMs
  await tokens.removeExpired()
  const found = [old, young].map(({ token }) => store.find(token.slice(0, 22)))
  expect(await Promise.all(found)).toEqual([undefined, expect.objectContaining({ subject: 'bob' })])
})

it.each([{ lifetimeMs: 0 }, { maxAgeMs: 31_536_000_001 }, { ttl: 1 }])('refuses the options %j', (options) => {
  expect(() => refreshTokens({ store: memoryRefreshTokens(), ...(options as object) })).toThrow(ConfigError)
})
