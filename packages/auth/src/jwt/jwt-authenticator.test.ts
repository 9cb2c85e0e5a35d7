import { createHmac } from 'node:crypto'
import { ServiceError } from '@tenon/core'
import { exportSPKI } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { jwtAuthenticator } from './jwt-authenticator.ts'
import type { JwtOptions } from './jwt-options.ts'
import { ask, audience, bearer, forge, issuer, keyPair, nowMs, setOf, sign } from './token.test-harness.ts'

const [first, second, rsa] = await Promise.all([keyPair('first'), keyPair('second'), keyPair('rsa', 'RS256')])
const clock = { now: () => nowMs, elapsedMs: () => 0 }
const seconds = nowMs / 1000
const claims = { iss: issuer, aud: audience, sub: 'ada', exp: seconds + 600 }

function authenticator(options: Partial<JwtOptions> = {}) {
  return jwtAuthenticator({
    issuer,
    audience,
    algorithms: ['ES256', 'RS256'],
    keys: setOf(first, rsa),
    clock,
    ...options,
  })
}

/** Why the log says that a token was refused; its caller hears the same of each. */
async function refusalOf(token: string, options: Partial<JwtOptions> = {}): Promise<string> {
  const error: unknown = await ask(authenticator(options), bearer(token)).then(
    (principal) => principal,
    (thrown: unknown) => thrown,
  )
  if (!ServiceError.is(error)) throw new TypeError('the token was taken')
  expect(error).toMatchObject({
    code: 'unauthenticated',
    reason: 'invalid_token',
    message: 'the credential is not valid',
    details: undefined,
  })
  return error.cause instanceof Error ? error.cause.message : ''
}

describe('a token', () => {
  it('says who calls', async () => {
    const token = await sign(first, { roles: ['admin'], scope: 'user:read  user:write' })
    expect(await ask(authenticator(), bearer(token))).toMatchObject({
      id: 'ada',
      roles: ['admin'],
      scopes: ['user:read', 'user:write'],
      claims: { sub: 'ada', iss: issuer },
    })
  })

  it('is found by a key of each allowed algorithm, and without a kid where one key fits', async () => {
    expect(await ask(authenticator(), bearer(await sign(rsa)))).toMatchObject({ id: 'ada' })
    const unnamed = await sign(first, {}, { kid: undefined as never })
    expect(await ask(authenticator(), bearer(unnamed))).toMatchObject({ id: 'ada' })
  })

  it('gives no roles and scopes that are no lists of texts', async () => {
    const token = await sign(first, { roles: 'admin', scope: ['a'] })
    const principal = await ask(authenticator(), bearer(token))
    expect(principal).not.toHaveProperty('roles')
    expect(principal).not.toHaveProperty('scopes')
  })

  it('is mapped by principal, which may refuse it', async () => {
    const principal: JwtOptions['principal'] = ({ sub }) => (sub === 'ada' ? { id: `user:${sub}` } : undefined)
    expect(await ask(authenticator({ principal }), bearer(await sign(first)))).toEqual({ id: 'user:ada' })
    expect(await refusalOf(await sign(first, { sub: 'bob' }), { principal })).toBe(
      'the claims name nobody who may call',
    )
  })

  it('is not asked for twice: a caller without one, or with another scheme, is passed on', async () => {
    expect(await ask(authenticator(), {})).toBeUndefined()
    expect(await ask(authenticator(), { authorization: 'Basic YTpi' })).toBeUndefined()
    expect(await ask(authenticator(), { authorization: 'Bearerish x' })).toBeUndefined()
  })

  it('may be in a header of its own, without a scheme, and Bearer is in any case', async () => {
    const token = await sign(first)
    expect(await ask(authenticator({ header: 'x-assertion' }), { 'x-assertion': token })).toMatchObject({ id: 'ada' })
    expect(await ask(authenticator(), { authorization: `bEARER  ${token}` })).toMatchObject({ id: 'ada' })
  })

  it('may be signed with a shared secret', async () => {
    const secret = 'x'.repeat(32)
    const body = forge({ alg: 'HS256' }, claims, '').slice(0, -1)
    const token = `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
    const options: JwtOptions = { issuer, audience, algorithms: ['HS256'], secret, clock }
    expect(await ask(jwtAuthenticator(options), bearer(token))).toMatchObject({ id: 'ada' })
    const other = jwtAuthenticator({ ...options, secret: 'y'.repeat(32) })
    await expect(ask(other, bearer(token))).rejects.toMatchObject({ reason: 'invalid_token' })
  })

  it('may be a little late or early, as clocks differ', async () => {
    const late = await sign(first, { exp: seconds - 4 })
    const early = await sign(first, { nbf: seconds + 4 })
    expect(await ask(authenticator(), bearer(late))).toMatchObject({ id: 'ada' })
    expect(await ask(authenticator(), bearer(early))).toMatchObject({ id: 'ada' })
    expect(await refusalOf(late, { clockToleranceMs: 3_000 })).toContain('"exp"')
    expect(await refusalOf(early, { clockToleranceMs: 3_000 })).toContain('"nbf"')
  })
})

describe('refuses', () => {
  it.each([
    ['an issuer that is not believed', { iss: 'https://evil.example' }, '"iss"'],
    ['no issuer', { iss: undefined }, '"iss"'],
    ['another audience', { aud: 'bank' }, '"aud"'],
    ['no audience', { aud: undefined }, '"aud"'],
    ['what has expired', { exp: seconds - 60 }, '"exp"'],
    ['what never expires', { exp: undefined }, '"exp"'],
    ['what is not valid yet', { nbf: seconds + 60 }, '"nbf"'],
    ['a time that is no number', { exp: 'tomorrow' as never }, '"exp"'],
    ['a token without a subject', { sub: undefined }, 'nobody'],
  ])('%s', async (_what, wrong, why) => {
    expect(await refusalOf(await sign(first, wrong))).toContain(why)
  })

  it('alg none, in any case, with and without something in the place of a signature', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      expect(await refusalOf(forge({ alg, kid: 'first' }, claims))).toContain('not allowed')
      expect(await refusalOf(forge({ alg, kid: 'first' }, claims, ''))).toContain('form')
    }
  })

  it('a public key taken for a secret', async () => {
    const pem = await exportSPKI(rsa.publicKey)
    const body = forge({ alg: 'HS256', kid: 'rsa' }, claims, '').slice(0, -1)
    for (const secret of [pem, pem.trim(), JSON.stringify(rsa.jwk), Buffer.from(rsa.jwk.n ?? '', 'base64url')]) {
      const signature = createHmac('sha256', secret).update(body).digest('base64url')
      expect(await refusalOf(`${body}.${signature}`)).toContain('not allowed')
    }
  })

  it('an algorithm that is not on the list, though the key is', async () => {
    expect(await refusalOf(await sign(rsa), { algorithms: ['ES256'] })).toContain('not allowed')
  })

  it('a key of one algorithm used for another', async () => {
    expect(await refusalOf(await sign(rsa, {}, { kid: 'first' }))).toContain('no applicable key')
  })

  it('another key under a known kid, a signature that was changed, and claims that were changed', async () => {
    expect(await refusalOf(await sign({ ...second, kid: 'first' }))).toContain('signature verification failed')
    const [head = '', body = '', signature = ''] = (await sign(first)).split('.')
    const changed = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    expect(await refusalOf(`${head}.${body}.${changed}`)).toContain('signature verification failed')
    const [, admin = ''] = forge({}, { ...claims, sub: 'root' }).split('.')
    expect(await refusalOf(`${head}.${admin}.${signature}`)).toContain('signature verification failed')
  })

  it.each([
    '../../dev/null',
    "' OR 1=1 --",
    '__proto__',
    'https://evil.example/keys',
    '',
    { toString: 1 },
    ['first'],
    7,
  ])('the kid %j, which is compared and nothing else', async (kid) => {
    expect(await refusalOf(await sign(second, {}, { kid: kid as never }))).toMatch(/no applicable key|kid/i)
  })

  it('keys that the token itself brings, and asks no address that it names', async () => {
    const asked = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('nobody may be asked'))
    const url = 'https://evil.example/keys'
    for (const head of [{ jwk: second.jwk }, { jku: url }, { x5u: url }])
      expect(await refusalOf(await sign({ ...second, kid: 'evil' }, {}, head as never))).toContain('no applicable key')
    expect(asked).not.toHaveBeenCalled()
    asked.mockRestore()
  })

  it('critical extensions that nobody knows, and a payload that is not encoded', async () => {
    const head = { alg: 'ES256', kid: 'first', crit: ['exp-secret'], 'exp-secret': true }
    expect(await refusalOf(forge(head, claims))).toBe('the token asks for what is not supported')
    expect(await refusalOf(forge({ alg: 'ES256', kid: 'first', crit: ['b64'], b64: false }, claims))).not.toBe('')
  })

  it('another type of token, where one is asked for', async () => {
    const access = await sign(first, {}, { typ: 'at+jwt' })
    expect(await ask(authenticator({ type: 'at+jwt' }), bearer(access))).toMatchObject({ id: 'ada' })
    expect(await refusalOf(await sign(first, {}, { typ: 'JWT' }), { type: 'at+jwt' })).toContain('"typ"')
    expect(await refusalOf(await sign(first), { type: 'at+jwt' })).toContain('"typ"')
  })

  it('what is too long before it is looked at, and takes what is just as long as it may be', async () => {
    const principal = vi.fn(() => ({ id: 'ada' }))
    const token = await sign(first, { padding: 'x'.repeat(500) })
    const maxTokenBytes = token.length
    expect(await ask(authenticator({ maxTokenBytes, principal }), bearer(token))).toEqual({ id: 'ada' })
    expect(await refusalOf(token, { maxTokenBytes: maxTokenBytes - 1 })).toContain('longer than')
    expect(await refusalOf('.'.repeat(1_000_000))).toContain('longer than')
  })

  it.each(['', 'a', 'a.b', 'a.b.c.d', 'a.b.ü', 'a b.c.d', '..', 'a.b.c, Bearer a.b.c', `${'ey'.repeat(9)}.e30.AAAA`])(
    'what is no token: %j',
    async (text) => {
      expect(await refusalOf(text)).not.toBe('')
    },
  )
})

it('tells nobody, not even the log, what the token was', async () => {
  const token = await sign({ ...second, kid: 'first' }, { sub: 'secret-subject' })
  const error: unknown = await ask(authenticator(), bearer(token)).catch((thrown: unknown) => thrown)
  const told = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)
  for (const part of token.split('.')) expect(told).not.toContain(part)
  expect(told).not.toContain('secret-subject')
})

it('passes on what principal throws', async () => {
  const failing = (thrown: Error) => authenticator({ principal: () => Promise.reject(thrown) })
  const token = await sign(first)
  await expect(ask(failing(new Error('no database')), bearer(token))).rejects.toThrow('no database')
  const denied = new ServiceError('permission_denied', 'the account is locked')
  await expect(ask(failing(denied), bearer(token))).rejects.toBe(denied)
})
