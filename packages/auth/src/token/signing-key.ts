/** A key that access tokens are signed with. */
export interface SigningKey {
  /** Its thumbprint, which tokens name as `kid`. @see RFC 7638 */
  readonly id: string
  /** In epoch milliseconds. */
  readonly createdAt: number
  /** The private key as a JSON Web Key. Whoever reads it can make tokens. @see RFC 7517 */
  readonly privateKey: Readonly<Record<string, unknown>>
}

/** Where signing keys are kept, so that they outlive the process and are the same for all its instances. */
export interface SigningKeyStore {
  /** All keys, in any order. Called for each token that is signed. */
  list(): Promise<readonly SigningKey[]>
  /** Keeps a new key. */
  add(key: SigningKey): Promise<void>
  /** Forgets a key, or does nothing for one that is not there: several instances may ask for it at once. */
  remove(keyId: string): Promise<void>
}

/** Keeps signing keys in memory, for tests and for a service of one process whose tokens may end with it. */
export function memorySigningKeys(): SigningKeyStore {
  const keys = new Map<string, SigningKey>()
  return {
    list: async () => [...keys.values()],
    add: async (key) => void keys.set(key.id, key),
    remove: async (keyId) => void keys.delete(keyId),
  }
}
