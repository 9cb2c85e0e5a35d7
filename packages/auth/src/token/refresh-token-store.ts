/** What is kept of one login: the newest of the refresh tokens that came of it, as a hash. */
export interface RefreshFamily {
  readonly id: string
  /** Whose login it is. */
  readonly subject: string
  /** Of the one token that is valid. */
  readonly tokenHash: string
  /** When that token expires, in epoch milliseconds. */
  readonly expiresAt: number
  /** When no token of the family is valid any more, however often it was refreshed, in epoch milliseconds. */
  readonly endsAt: number
}

/** The token that takes another one's place. */
export interface NextRefreshToken {
  readonly tokenHash: string
  /** In epoch milliseconds. */
  readonly expiresAt: number
}

/** Where logins are kept, so that they outlive the process and are the same for all its instances. One row a login is enough. */
export interface RefreshTokenStore {
  /** Keeps a new family. */
  add(family: RefreshFamily): Promise<void>
  find(familyId: string): Promise<RefreshFamily | undefined>
  /**
   * Puts a token in the place of the one with a hash, in one step: of several calls with the same hash, at once and from any instance, one
   * is told true. False too where the family is gone.
   */
  replace(familyId: string, usedHash: string, next: NextRefreshToken): Promise<boolean>
  /** Forgets a family, or does nothing for one that is not there. */
  remove(familyId: string): Promise<void>
  /** Forgets the families whose token has expired at a moment in epoch milliseconds. */
  removeExpired(at: number): Promise<void>
}

/** Keeps logins in memory, for tests and for a service of one process that may forget them with it. */
export function memoryRefreshTokens(): RefreshTokenStore {
  const families = new Map<string, RefreshFamily>()
  return {
    add: async (family) => void families.set(family.id, family),
    find: async (familyId) => families.get(familyId),
    async replace(familyId, usedHash, next) {
      const family = families.get(familyId)
      if (family?.tokenHash !== usedHash) return false
      families.set(familyId, { ...family, ...next })
      return true
    },
    remove: async (familyId) => void families.delete(familyId),
    async removeExpired(at) {
      for (const { id, expiresAt } of families.values()) if (expiresAt <= at) families.delete(id)
    },
  }
}
