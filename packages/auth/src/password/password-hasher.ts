import { randomBytes, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '@tenon/core'
import type { ScryptWork } from './compute-scrypt.ts'
import { HashLine } from './hash-line.ts'
import { type PasswordOptions, type PasswordSettings, resolvePassword } from './password-options.ts'
import { readScryptHash, type ScryptCost, type ScryptHash, writeScryptHash } from './scrypt-hash.ts'

/** Hashes passwords, and compares them with hashes. */
export interface PasswordHasher {
  /**
   * What to keep of a password: scrypt with a salt of its own, cost and salt in the text.
   *
   * @throws ServiceError `invalid_argument` for a password that is empty or over `maxPasswordBytes`; `resource_exhausted` where too many wait; the
   * reason of the signal
   */
  hash(password: string, signal?: AbortSignal): Promise<string>
  /**
   * Whether a password is the one of a hash. Without a hash, for a user that does not exist, the same is computed and the answer is no, so that
   * the time tells nobody who exists; a wrong password for a hash of a lower cost costs as much, too. A password that `hash` would refuse is none, and nothing is computed for anybody.
   *
   * @throws ServiceError `resource_exhausted` where too many wait; Error for a hash that cannot be read; the reason of the signal
   */
  verify(password: string, hash: string | undefined, signal?: AbortSignal): Promise<boolean>
  /** Whether a hash was made with another cost than `hash` has now: hash the password anew when it has been verified. */
  needsRehash(hash: string): boolean
}

/** Longest password, in bytes of UTF-8. A guess: room for any sentence. NIST SP 800-63B-4 section 3.1.1.2 asks for 64 characters at least. */
export const maxPasswordBytes = 1_024

/** @see RFC 7914 section 2 and OWASP Password Storage Cheat Sheet; NIST SP 800-63B-4 section 3.1.1.2 asks for a salt of 4 bytes at least */
const saltBytes = 16
const keyBytes = 32

/**
 * Hashes passwords with scrypt of Node, off the event loop, a few at a time. Two ways to write one password in Unicode are the same password.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`
 */
export function passwordHasher(options: PasswordOptions = {}): PasswordHasher {
  return new ScryptHasher(resolvePassword(options))
}

class ScryptHasher implements PasswordHasher {
  readonly #settings: PasswordSettings
  readonly #cost: ScryptCost
  readonly #line: HashLine
  /** What nobody's password has. */
  readonly #dummy: ScryptHash

  constructor(settings: PasswordSettings) {
    this.#settings = settings
    this.#cost = Object.freeze({ costLog2: settings.costLog2, blockSize: 8, parallelism: 1 })
    this.#line = new HashLine(settings)
    this.#dummy = { cost: this.#cost, salt: randomBytes(saltBytes), key: randomBytes(keyBytes) }
  }

  async hash(password: string, signal?: AbortSignal): Promise<string> {
    const text = normalise(password)
    if (text === undefined)
      throw new ServiceError('invalid_argument', `a password has 1 to ${maxPasswordBytes} bytes of text`)
    const salt = randomBytes(saltBytes)
    const key = await this.#derive(text, { cost: this.#cost, salt, keyBytes }, signal)
    return writeScryptHash({ cost: this.#cost, salt, key })
  }

  async verify(password: string, hash: string | undefined, signal?: AbortSignal): Promise<boolean> {
    const kept = hash === undefined ? this.#dummy : readScryptHash(hash)
    if (kept === undefined) throw new Error('a stored password hash cannot be read')
    const text = normalise(password)
    if (text === undefined) return false
    const key = await this.#derive(text, { cost: kept.cost, salt: kept.salt, keyBytes: kept.key.byteLength }, signal)
    if (timingSafeEqual(key, kept.key) && hash !== undefined) return true
    await this.#makeUp(text, kept.cost, signal)
    return false
  }

  needsRehash(hash: string): boolean {
    const { cost } = readScryptHash(hash) ?? {}
    const { costLog2, blockSize, parallelism } = this.#cost
    return cost?.costLog2 !== costLog2 || cost.blockSize !== blockSize || cost.parallelism !== parallelism
  }

  /** What a hash of cheaper days has cost less than that of nobody: 2^n is 2^k + 2^k + 2^(k+1) + … + 2^(n-1). */
  async #makeUp(text: string, { costLog2 }: ScryptCost, signal: AbortSignal | undefined): Promise<void> {
    const { salt } = this.#dummy
    for (let missing = costLog2; missing < this.#cost.costLog2; missing += 1)
      await this.#derive(text, { cost: { ...this.#cost, costLog2: missing }, salt, keyBytes }, signal)
  }

  #derive(text: string, work: ScryptWork, signal: AbortSignal | undefined): Promise<Uint8Array> {
    return this.#line.run(() => this.#settings.derive(text, work), signal)
  }
}

/**
 * Keyboards write `é` as one character or as two. Lone surrogates would all become the same character in UTF-8.
 *
 * @see NIST SP 800-63B-4 section 3.1.1.2: normalise before hashing
 */
function normalise(password: string): string | undefined {
  // Before it is normalised, so that nothing enormous is.
  if (password === '' || Buffer.byteLength(password) > maxPasswordBytes || !password.isWellFormed()) return undefined
  const text = password.normalize('NFC')
  // NFC makes some texts longer.
  return Buffer.byteLength(text) > maxPasswordBytes ? undefined : text
}
