import { passwordHasher } from '@tenon/auth'
import { override, testService } from '@tenon/testing'
import { expect, test, vi } from 'vitest'
import { auth } from './auth-contract.ts'
import { PasswordHasher } from './parts.ts'
import { service } from './service.ts'

const ada = { email: 'ada@example.com', password: 'wren tuba cactus' }
const wrong = 'wren tuba kaktus'

/** The service as it is, but for a database of the test's own, and hashes that cost little and are counted. */
async function start(costLog2 = 10) {
  const hasher = passwordHasher({ costLog2 })
  const hash = vi.spyOn(hasher, 'hash')
  const verify = vi.spyOn(hasher, 'verify')
  const tested = await testService(service, {
    config: { dataDir: ':memory:' },
    overrides: [override(PasswordHasher, hasher)],
  })
  return Object.assign(tested, { hash, verify })
}

const bearer = (token: string) => ({ metadata: { authorization: `Bearer ${token}` } })

test('registers, logs in, says who calls, and logs out', async () => {
  await using login = await start()
  expect(await login.call(auth.register, ada)).toEqual({})
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
  await login.call(auth.register, ada)
  expect(await login.outcome(auth.login, ada)).toMatchObject({ headers: { 'cache-control': 'no-store' } })
  expect(await login.outcome(auth.keySet, {})).toMatchObject({ headers: { 'cache-control': 'public, max-age=300' } })
})

test('ends a login whose refresh token is used twice, and says so in the log alone', async () => {
  await using login = await start()
  await login.call(auth.register, ada)
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
  // Whoever asks for the address of somebody else is told the same, and changes nothing.
  expect(await told(login.call(auth.register, { ...ada, password: `${wrong}!` }))).toEqual(free)
  const known = await told(login.call(auth.login, { ...ada, password: wrong }))
  expect(known).toMatchObject({ settled: { code: 'unauthenticated' }, hashes: 0, verifications: 1 })
  expect(await told(login.call(auth.login, { ...ada, email: 'bob@example.com' }))).toEqual(known)
  await expect(login.call(auth.login, { ...ada, password: `${wrong}!` })).rejects.toMatchObject({
    code: 'unauthenticated',
  })
  await login.call(auth.login, ada)
})

test('gives an e-mail address to one of many who register at once, and tells nobody who it was', async () => {
  await using login = await start()
  const passwords = ['one', 'two', 'three', 'four'].map((word) => `${word} ${ada.password}`)
  const answers = passwords.map((password) => login.call(auth.register, { ...ada, password }))
  expect(await Promise.all(answers)).toEqual([{}, {}, {}, {}])
  const logins = passwords.map((password) => login.call(auth.login, { ...ada, password }))
  const results = await Promise.allSettled(logins)
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('closes after five failures, for users that exist and for others, and computes nothing more', async () => {
  await using login = await start()
  await login.call(auth.register, ada)
  for (const email of [ada.email, 'bob@example.com']) {
    login.verify.mockClear()
    const tries = Array.from({ length: 20 }, () => login.outcome(auth.login, { email, password: wrong }))
    const codes = (await Promise.all(tries)).map((outcome) => (outcome.ok ? 'ok' : outcome.error.code))
    expect(codes.filter((code) => code === 'unauthenticated')).toHaveLength(5)
    expect(codes.filter((code) => code === 'resource_exhausted')).toHaveLength(15)
    expect(login.verify).toHaveBeenCalledTimes(5)
  }
})

test('refuses a weak password before anything is computed, without repeating it', async () => {
  await using login = await start()
  const refusal = await login.outcome(auth.register, { ...ada, password: 'short' })
  expect(refusal).toMatchObject({
    error: { code: 'invalid_argument', details: { violations: [{ field: '/password', rule: 'custom' }] } },
  })
  const tooLong = await login.outcome(auth.register, { ...ada, password: wrong.repeat(100) })
  expect(tooLong).toMatchObject({ error: { code: 'invalid_argument' } })
  expect(login.hash).not.toHaveBeenCalled()
})

test('says nothing of passwords and tokens in its log', async () => {
  await using login = await start()
  await login.call(auth.register, ada)
  const { accessToken, refreshToken } = await login.call(auth.login, ada)
  await login.outcome(auth.login, { ...ada, password: wrong })
  await login.outcome(auth.me, {}, bearer(`${accessToken}x`))
  await login.call(auth.refresh, { refreshToken })
  await login.outcome(auth.refresh, { refreshToken })
  expect(login.log.length).toBeGreaterThan(3)
  const log = JSON.stringify(login.log)
  for (const secret of [ada.password, wrong, accessToken, refreshToken, refreshToken.split('.')[1] ?? '', ada.email])
    expect(log).not.toContain(secret)
})

test('makes hashes anew that were made at another cost, when their password is known', async () => {
  await using login = await start(11)
  login.hash.mockResolvedValueOnce(await passwordHasher({ costLog2: 10 }).hash(ada.password))
  await login.call(auth.register, ada)
  login.hash.mockClear()
  for (const _login of ['first', 'second']) await login.call(auth.login, ada)
  expect(login.hash).toHaveBeenCalledTimes(1)
})

test('makes its keys and forgets old logins by itself', async () => {
  await using login = await start()
  await login.runSchedule('rotate-keys')
  await login.runSchedule('rotate-keys')
  expect((await login.call(auth.keySet, {})).keys).toEqual([expect.objectContaining({ kty: 'EC', alg: 'ES256' })])
  await login.runSchedule('forget-logins')
})
