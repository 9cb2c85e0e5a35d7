import type { IssuedToken } from '@tenon/auth'
import { type Call, every, fault, Handles, Implements, type Input, inject, type Output, Runs } from '@tenon/core'
import { auth } from './auth-contract.ts'
import { callerAddress } from './guard/caller-address.ts'
import { accountExistsLetter, confirmationLetter, Letters } from './letters.ts'
import { LoginGuard } from './guard/login-guard.ts'
import { AccessTokens, PasswordHasher, RefreshTokens } from './parts.ts'
import { passwordProblem } from './password-policy.ts'
import { RegistrationStore } from './store/registration-store.ts'
import { type User, UserStore } from './store/user-store.ts'

type Tokens = Output<typeof auth.login>

@Handles(auth)
export class AuthHandler {
  readonly #users = inject(UserStore)
  readonly #registrations = inject(RegistrationStore)
  readonly #letters = inject(Letters)
  readonly #passwords = inject(PasswordHasher)
  readonly #accessTokens = inject(AccessTokens)
  readonly #refreshTokens = inject(RefreshTokens)
  readonly #guard = inject(LoginGuard)

  @Implements(auth.register)
  async register({ email, password }: Input<typeof auth.register>, call: Call): Promise<Output<typeof auth.register>> {
    const problem = passwordProblem(password, email)
    if (problem !== undefined) throw weakPassword(problem)
    this.#guard.register(callerAddress(call.peer))
    // All of it for a taken address too: neither the answer nor the work tells that it is, only the letter.
    const passwordHash = await this.#passwords.hash(password, call.signal)
    const code = await this.#registrations.add({ email, passwordHash })
    const user = await this.#users.findByEmail(email, call.signal)
    await this.#letters.send(user ? accountExistsLetter(user.email) : confirmationLetter(email, code))
    return {}
  }

  @Implements(auth.confirm)
  async confirm({ code }: Input<typeof auth.confirm>, call: Call): Promise<Output<typeof auth.confirm>> {
    const registration = await this.#registrations.find(code)
    // Of several who asked for one e-mail address, the first who confirms has it.
    const isNew = registration && (await this.#users.create(registration.email, registration.passwordHash))
    await this.#registrations.remove(code)
    if (!isNew) throw fault(auth.confirm, 'not_found', 'the code is not valid, or not any more')
    call.log.info({}, 'there is a new user')
    return {}
  }

  @Implements(auth.login)
  async login({ email, password }: Input<typeof auth.login>, call: Call): Promise<Tokens> {
    const address = callerAddress(call.peer)
    this.#guard.begin(email, address)
    const user = await this.#userOf(email, password, call).catch((error: unknown) => {
      // Too many passwords at once, for example: nobody has tried this one.
      this.#guard.takeBack(email, address)
      throw error
    })
    if (user === undefined) throw fault(auth.login, 'unauthenticated', 'the e-mail address or the password is wrong')
    this.#guard.succeeded(email, address)
    if (this.#passwords.needsRehash(user.passwordHash)) await this.#rehash(user.userId, password, call)
    const access = await this.#accessTokens.issue({ id: user.userId })
    return reply(access, await this.#refreshTokens.issue(user.userId), call)
  }

  @Implements(auth.refresh)
  async refresh({ refreshToken }: Input<typeof auth.refresh>, call: Call): Promise<Tokens> {
    // Before the token is used up: a database that is away then costs nobody their login.
    const refreshed = await this.#refreshTokens.refresh(refreshToken, (id) => this.#accessTokens.issue({ id }))
    return reply(refreshed.prepared, refreshed, call)
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

  @Runs('forget-what-expired', every('10 m'))
  async forgetWhatExpired(): Promise<void> {
    await this.#registrations.removeExpired()
    await this.#refreshTokens.removeExpired()
  }

  /** Undefined for a wrong password, and after the same work for nobody. */
  async #userOf(email: string, password: string, { signal }: Call): Promise<User | undefined> {
    const user = await this.#users.findByEmail(email, signal)
    const isRight = await this.#passwords.verify(password, user?.passwordHash, signal)
    return isRight ? user : undefined
  }

  /** A right password is let in also where its new hash cannot be made or kept now: the next login tries again. */
  async #rehash(userId: string, password: string, { signal, log }: Call): Promise<void> {
    try {
      await this.#users.changeHash(userId, await this.#passwords.hash(password, signal))
    } catch (error) {
      log.warn({ err: error }, 'a password could not be hashed anew')
    }
  }
}

function reply(access: IssuedToken, refresh: IssuedToken, call: Call): Tokens {
  // RFC 6749 section 5.1: nothing on the way may keep tokens.
  call.setHeader('cache-control', 'no-store')
  return {
    accessToken: access.token,
    accessTokenExpiresAt: access.expiresAt,
    refreshToken: refresh.token,
    refreshTokenExpiresAt: refresh.expiresAt,
  }
}

function weakPassword(message: string) {
  return fault(auth.register, 'invalid_argument', {
    message: `/password ${message}`,
    details: { violations: [{ field: '/password', message, rule: 'custom' }] },
  })
}
