import { AccessTokens, PasswordHasher, RefreshTokens } from './parts.ts'
import { type Call, every, fault, Handles, Implements, type Input, inject, type Output, Runs } from '@tenon/core'
import { auth } from './auth-contract.ts'
import { callerAddress } from './caller-address.ts'
import { LoginGuard } from './login-guard.ts'
import { passwordProblem } from './password-policy.ts'
import { UserStore } from './user-store.ts'

type Tokens = Output<typeof auth.login>

@Handles(auth)
export class AuthHandler {
  readonly #users = inject(UserStore)
  readonly #passwords = inject(PasswordHasher)
  readonly #accessTokens = inject(AccessTokens)
  readonly #refreshTokens = inject(RefreshTokens)
  readonly #guard = inject(LoginGuard)

  @Implements(auth.register)
  async register({ email, password }: Input<typeof auth.register>, call: Call): Promise<Output<typeof auth.register>> {
    const problem = passwordProblem(password, email)
    if (problem !== undefined) throw weakPassword(problem)
    this.#guard.register(callerAddress(call.peer))
    // Computed for a taken address too: neither the answer nor the work tells that it is. Here a service with a mail server would send a letter
    // to the address: one to confirm, or one that says there is an account already.
    const isNew = await this.#users.create(email, await this.#passwords.hash(password, call.signal))
    call.log.info({}, isNew ? 'a user has registered' : 'somebody registered with an e-mail address that is taken')
    return {}
  }

  @Implements(auth.login)
  async login({ email, password }: Input<typeof auth.login>, call: Call): Promise<Tokens> {
    const address = callerAddress(call.peer)
    this.#guard.begin(email, address)
    const user = await this.#users.findByEmail(email, call.signal)
    const isRight = await this.#passwords.verify(password, user?.passwordHash, call.signal)
    if (user === undefined || !isRight)
      throw fault(auth.login, 'unauthenticated', 'the e-mail address or the password is wrong')
    this.#guard.succeeded(email, address)
    if (this.#passwords.needsRehash(user.passwordHash))
      await this.#users.changeHash(user.userId, await this.#passwords.hash(password, call.signal))
    return this.#reply(await this.#refreshTokens.issue(user.userId), user.userId, call)
  }

  @Implements(auth.refresh)
  async refresh({ refreshToken }: Input<typeof auth.refresh>, call: Call): Promise<Tokens> {
    const refreshed = await this.#refreshTokens.refresh(refreshToken)
    return this.#reply(refreshed, refreshed.subject, call)
  }

  @Implements(auth.logout)
  async logout({ refreshToken }: Input<typeof auth.logout>): Promise<Output<typeof auth.logout>> {
    await this.#refreshTokens.revoke(refreshToken)
    return {}
  }

  @Implements(auth.me)
  async me(_input: Input<typeof auth.me>, { principal, signal }: Call): Promise<Output<typeof auth.me>> {
    const user = await this.#users.find(principal?.id ?? '', signal)
    if (user === undefined) throw fault(auth.me, 'unauthenticated', 'the user does not exist any more')
    return { userId: user.userId, email: user.email }
  }

  @Implements(auth.keySet)
  async keySet(_input: Input<typeof auth.keySet>, call: Call): Promise<Output<typeof auth.keySet>> {
    const { keys } = await this.#accessTokens.keySet()
    // Far shorter than keys are published before they sign.
    call.setHeader('cache-control', 'public, max-age=300')
    return { keys: [...keys] }
  }

  @Runs('rotate-keys', every('10 m'))
  async rotateKeys(): Promise<void> {
    await this.#accessTokens.rotateKeys()
  }

  @Runs('forget-logins', every('10 m'))
  async forgetLogins(): Promise<void> {
    await this.#refreshTokens.removeExpired()
  }

  async #reply(
    refresh: { readonly token: string; readonly expiresAt: number },
    id: string,
    call: Call,
  ): Promise<Tokens> {
    const access = await this.#accessTokens.issue({ id })
    // RFC 6749 section 5.1: nothing on the way may keep tokens.
    call.setHeader('cache-control', 'no-store')
    return {
      accessToken: access.token,
      accessTokenExpiresAt: access.expiresAt,
      refreshToken: refresh.token,
      refreshTokenExpiresAt: refresh.expiresAt,
    }
  }
}

function weakPassword(message: string) {
  return fault(auth.register, 'invalid_argument', {
    message: `/password ${message}`,
    details: { violations: [{ field: '/password', message, rule: 'custom' }] },
  })
}
