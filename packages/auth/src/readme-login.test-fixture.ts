import { accessTokens, memoryRefreshTokens, memorySigningKeys, passwordHasher, refreshTokens } from '@tenon/auth'

const passwords = passwordHasher()
// Both in a database, where tokens are to outlive the process: see examples/auth/src/store/token-store.ts.
const access = accessTokens({ issuer: 'https://id.example', audience: 'shop', keys: memorySigningKeys() })
const refresh = refreshTokens({ store: memoryRefreshTokens() })

/** `hash` is what `passwords.hash(password)` gave at the registration; undefined where there is no such user. */
export async function logIn(user: { readonly id: string } | undefined, password: string, hash: string | undefined) {
  const isRight = await passwords.verify(password, hash)
  return user && isRight ? { access: await access.issue(user), refresh: await refresh.issue(user.id) } : undefined
}

export async function renew(refreshToken: string) {
  const { prepared, ...next } = await refresh.refresh(refreshToken, (id) => access.issue({ id }))
  return { access: prepared, refresh: next }
}
