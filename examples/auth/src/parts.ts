import type * as library from '@tenon/auth'
import { token } from '@tenon/core'

/** What handlers are given of the library. */
export const PasswordHasher = token<library.PasswordHasher>('PasswordHasher')
export const AccessTokens = token<library.AccessTokens>('AccessTokens')
export const RefreshTokens = token<library.RefreshTokens>('RefreshTokens')
