import { accessTokens, memoryRefreshTokens, memorySigningKeys, passwordHasher, refreshTokens } from '@tenon/auth'
import { type Provider, ServiceError } from '@tenon/core'
import { override, testService } from '@tenon/testing'
import { expect, test, vi } from 'vitest'
import { auth } from './auth-contract.ts'
import { type Letter, Letters } from './letters.ts'
import { guardLimits } from './guard/login-guard.ts'
import { audience, issuer } from './own-tokens.ts'
import { PasswordHasher, RefreshTokens } from './parts.ts'
import { RegistrationStore } from './store/registration-store.ts'
import { service } from './service.ts'

const ada = { email: 'ada@example.com', password: 'wren tuba cactus' }
const wrong = 'wren tuba kaktus'

/** The service as it is, but for a database of the test's own, and hashes that cost little and are counted. */
async function start(costLog2 = 10, overrides: readonly Provider[] = []) {
  const hasher = passwordHasher({ costLog2 })
  const hash = vi.spyOn(hasher, 'hash')
  const verify = vi.spyOn(hasher, 'verify')
  const letters: Letter[] = []
  const tested = await testService(service, {
    config: { dataDir: ':memory:' },
    overrides: [
      override(PasswordHasher, hasher),
      override(Letters, { send: async (letter) => void letters.push(letter) }),
      ...overrides,
    ],
  })
  /** Asks for an account, and confirms it. */
  const join = async (user: typeof ada) => {
    await tested.call(auth.register, user)
    await tested.call(auth.confirm, { code: codeOf(letters.at(-1)) })
  }
  return Object.assign(tested, { hash, verify, letters, join })
}

const codeOf = (letter: Letter | undefined) => /^[\w-]{43}$/m.exec(letter?.text ?? '')?.[0] ?? 'no code'

const bearer = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } })

test('registers, confirms, logs in, says who calls, and logs out', async () => {
  await using login = await start()
  expect(await login.call(auth.register, ada)).toEqual({})
  await expect(login.call(auth.login, ada)).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(login.letters).toMatchObject([{ to: ada.email, subject: 'Confirm your account' }])
  expect(await login.call(auth.confirm, { code: codeOf(login.letters[0]) })).toEqual({})
  const { accessToken, refreshToken } = await login.call(auth.login, { ...ada, email: 'ADA@example.com' })
  const me = await login.call(auth.me, {}, bearer(accessToken))
  expect(me).toEqual({ userId: expect.any(String), email: ada.email })
  const next = await login.call(auth.refresh, { refreshToken })
  expect(await login.call(auth.me, {}, bearer(next.accessToken))).toEqual(me)
  expect(await login.call(auth.logout, { refreshToken: next.refreshToken })).toEqual({})
  await expect(login.call(auth.refresh, { refreshToken: next.refreshToken })).rejects.toMatchObject({
    code: 'unauthenticated',
  })
  await expect(login.call(auth.me, {})).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(login.call(auth.me, {}, bearer(`${accessToken}x`))).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('lets no cache keep tokens', async () => {
  await using login = await start()
  await login.join(ada)
  expect(await login.outcome(auth.login, ada)).toMatchObject({ headers: { 'cache-control': 'no-store' } })
  expect(await login.outcome(auth.keySet, {})).toMatchObject({ headers: { 'cache-control': 'public, max-age=300' } })
})

test('ends a login whose refresh token is used twice, and says so in the log alone', async () => {
  await using login = await start()
  await login.join(ada)
  const { refreshToken } = await login.call(auth.login, ada)
  const next = await login.call(auth.refresh, { refreshToken })
  for (const token of [refreshToken, next.refreshToken, 'nonsense'])
    expect(await login.outcome(auth.refresh, { refreshToken: token })).toMatchObject({
      error: { code: 'unauthenticated', message: 'the refresh token is not valid' },
    })
  expect(JSON.stringify(login.log)).toContain('was used before: the login is revoked')
})

test('answers the same, after the same work, whether a user exists or not', async () => {
  await using login = await start()
  const told = async (answer: Promise<unknown>) => {
    login.hash.mockClear()
    login.verify.mockClear()
    const settled = await answer.catch(({ code, message, details }: Record<string, unknown>) => ({
      code,
      message,
      details,
    }))
    return { settled, hashes: login.hash.mock.calls.length, verifications: login.verify.mock.calls.length }
  }
  const free = await told(login.call(auth.register, ada))
  expect(free).toEqual({ settled: {}, hashes: 1, verifications: 0 })
  await login.call(auth.confirm, { code: codeOf(login.letters[0]) })
  // Whoever asks for the address of somebody else is told the same, and can neither confirm nor log in.
  const others = { ...ada, password: `${wrong}!` }
  expect(await told(login.call(auth.register, others))).toEqual(free)
  expect(login.letters[1]).toMatchObject({ to: ada.email, subject: 'You have an account' })
  expect(codeOf(login.letters[1])).toBe('no code')
  const known = await told(login.call(auth.login, { ...ada, password: wrong }))
  expect(known).toMatchObject({ settled: { code: 'unauthenticated' }, hashes: 0, verifications: 1 })
  expect(await told(login.call(auth.login, { ...ada, email: 'bob@example.com' }))).toEqual(known)
  await login.call(auth.register, { ...others, email: 'bob@example.com' })
  for (const email of [ada.email, 'bob@example.com'])
    expect(await told(login.call(auth.login, { ...others, email }))).toEqual(known)
  await login.call(auth.login, ada)
})

test('gives an e-mail address to the first of many who confirm at once, and takes each code once', async () => {
  await using login = await start()
  const users = ['one', 'two', 'three', 'four'].map((word) => ({ ...ada, password: `${word} ${ada.password}` }))
  const answers = await Promise.all(users.map((user) => login.call(auth.register, user)))
  expect(answers).toEqual([{}, {}, {}, {}])
  const codes = login.letters.map(codeOf)
  const confirm = () => Promise.all(codes.map((code) => login.outcome(auth.confirm, { code })))
  const confirmed = (await confirm()).map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))
  expect(confirmed.toSorted()).toEqual(['not_found', 'not_found', 'not_found', 'ok'])
  const find = vi.spyOn(RegistrationStore.prototype, 'find')
  for (const outcome of await confirm()) expect(outcome).toMatchObject({ error: { code: 'not_found' } })
  // Nothing is left of them, so that no code makes an account after its user is deleted.
  expect(await Promise.all(find.mock.results.map(({ value }) => value))).toEqual(codes.map(() => undefined))
  const logins = await Promise.all(users.map((user) => login.outcome(auth.login, user)))
  expect(logins.filter(({ ok }) => ok)).toHaveLength(1)
})

test('closes after five failures, for users that exist and for others, and computes nothing more', async () => {
  await using login = await start()
  await login.join(ada)
  for (const email of [ada.email, 'bob@example.com']) {
    login.verify.mockClear()
    const tries = Array.from({ length: 20 }, () => login.outcome(auth.login, { email, password: wrong }))
    const codes = (await Promise.all(tries)).map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))
    expect(codes.filter((code) => code === 'unauthenticated')).toHaveLength(5)
    expect(codes.filter((code) => code === 'resource_exhausted')).toHaveLength(15)
    expect(login.verify).toHaveBeenCalledTimes(5)
  }
})

test('counts no attempt that came to nothing, as when too many passwords are checked at once', async () => {
  await using login = await start()
  await login.join(ada)
  for (let count = 0; count < 10; count += 1) {
    login.verify.mockRejectedValueOnce(new ServiceError('resource_exhausted', 'too many passwords are being checked'))
    expect(await login.outcome(auth.login, ada)).toMatchObject({
      error: { message: 'too many passwords are being checked' },
    })
  }
  await login.call(auth.login, ada)
})

test('lets an address ask for twenty accounts, and computes and writes nothing for more', async () => {
  await using login = await start()
  const asked = Array.from({ length: guardLimits.registration.maxCount }, (_, index) => `user${index}@example.com`)
  await Promise.all(asked.map((email) => login.call(auth.register, { ...ada, email })))
  expect(await login.outcome(auth.register, ada)).toMatchObject({ error: { code: 'resource_exhausted' } })
  expect([login.hash.mock.calls.length, login.letters.length]).toEqual([20, 20])
})

test('refuses a weak password before anything is computed, without repeating it', async () => {
  await using login = await start()
  const refusal = await login.outcome(auth.register, { ...ada, password: 'short' })
  expect(refusal).toMatchObject({
    error: { code: 'invalid_argument', details: { violations: [{ field: '/password', rule: 'custom' }] } },
  })
  // Of one character and of two each, and in bytes beyond what is hashed.
  for (const password of ['\u96ea'.repeat(400), 'lone surrogate \ud800'])
    expect(await login.outcome(auth.register, { ...ada, password })).toMatchObject({
      error: { code: 'invalid_argument' },
    })
  const tooLong = await login.outcome(auth.register, { ...ada, password: wrong.repeat(100) })
  expect(tooLong).toMatchObject({ error: { code: 'invalid_argument' } })
  expect(login.hash).not.toHaveBeenCalled()
})

test('says nothing of passwords and tokens in its log', async () => {
  await using login = await start()
  await login.join(ada)
  const { accessToken, refreshToken } = await login.call(auth.login, ada)
  await login.outcome(auth.login, { ...ada, password: wrong })
  await login.outcome(auth.me, {}, bearer(`${accessToken}x`))
  await login.call(auth.refresh, { refreshToken })
  await login.outcome(auth.refresh, { refreshToken })
  const code = codeOf(login.letters[0])
  await login.outcome(auth.confirm, { code })
  expect(login.log.length).toBeGreaterThan(3)
  const log = JSON.stringify(login.log)
  for (const secret of [ada.password, wrong, accessToken, ...refreshToken.split('.'), ada.email, code])
    expect(log).not.toContain(secret)
})

test('makes hashes anew that were made at another cost, when their password is known', async () => {
  await using login = await start(11)
  login.hash.mockResolvedValueOnce(await passwordHasher({ costLog2: 10 }).hash(ada.password))
  await login.join(ada)
  login.hash.mockClear()
  // There was no room for it: the password is right all the same, and the next login tries again.
  login.hash.mockRejectedValueOnce(new Error('no room'))
  for (const _login of ['first', 'second', 'third']) await login.call(auth.login, ada)
  expect(login.hash).toHaveBeenCalledTimes(2)
})

test('forgets by itself what has expired', async () => {
  const tokens = refreshTokens({ store: memoryRefreshTokens() })
  const forgotten = [
    vi.spyOn(tokens, 'removeExpired'),
    vi.spyOn(RegistrationStore.prototype, 'removeExpired').mockResolvedValueOnce(),
  ]
  await using login = await start(10, [override(RefreshTokens, tokens)])
  await login.runSchedule('forget-what-expired')
  for (const removed of forgotten) expect(removed).toHaveBeenCalledTimes(1)
})

test('has a key before anybody asks for one, and makes no second one before it is time', async () => {
  await using login = await start()
  // A key that nobody knows has the keys asked for, and not again for a while.
  const options = { issuer, audience, keys: memorySigningKeys() }
  const forged = await accessTokens(options).issue({ id: 'ada' })
  await expect(login.call(auth.me, {}, bearer(forged.token))).rejects.toMatchObject({ code: 'unauthenticated' })
  await login.join(ada)
  const { accessToken } = await login.call(auth.login, ada)
  expect(await login.call(auth.me, {}, bearer(accessToken))).toMatchObject({ email: ada.email })
  await login.runSchedule('rotate-keys')
  expect((await login.call(auth.keySet, {})).keys).toEqual([expect.objectContaining({ kty: 'EC', alg: 'ES256' })])
})

test.each([
  'ada@example.com\r\nBcc: eve@example.com',
  '"ada\r\nBcc: eve@example.com\r\n"@example.com',
  '"ada lovelace"@example.com',
  'ada\u0000@example.com',
  // Becomes `k` in lower case.
  '\u212aate@example.com',
  'ada@ex\u00e4mple.com',
])('writes no letter to %j', async (email) => {
  await using login = await start()
  expect(await login.outcome(auth.register, { ...ada, email })).toMatchObject({ error: { code: 'invalid_argument' } })
  expect(login.letters).toEqual([])
})
