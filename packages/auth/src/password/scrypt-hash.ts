/** What one computation of scrypt costs. @see RFC 7914 section 2 */
export interface ScryptCost {
  /** Base-2 logarithm of the cost in time and memory, which takes 128 · 2^costLog2 · blockSize bytes. */
  readonly costLog2: number
  readonly blockSize: number
  readonly parallelism: number
}

/** A password hash in its parts. */
export interface ScryptHash {
  readonly cost: ScryptCost
  readonly salt: Uint8Array
  readonly key: Uint8Array
}

/**
 * `$scrypt$ln=17,r=8,p=1$salt$key`, base64 without padding: names, order and alphabet of the PHC string format. At most three digits and 64
 * bytes, so that a damaged row asks for nothing enormous.
 *
 * @see github.com/P-H-C/phc-string-format, and scrypt as passlib and libraries after it write it
 */
const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{6,86})\$([A-Za-z0-9+/]{22,86})$/

/** Most that a stored hash may ask for: 4 GiB is more than any is made with. A guess. */
const maxCostBytes = 2 ** 32

export function writeScryptHash({ cost, salt, key }: ScryptHash): string {
  const { costLog2, blockSize, parallelism } = cost
  return `$scrypt$ln=${costLog2},r=${blockSize},p=${parallelism}$${toBase64(salt)}$${toBase64(key)}`
}

/** Undefined for what is no such hash, or asks for more than any of ours. */
export function readScryptHash(text: string): ScryptHash | undefined {
  const [, costLog2 = '', blockSize = '', parallelism = '', salt = '', key = ''] = form.exec(text) ?? []
  const cost = { costLog2: Number(costLog2), blockSize: Number(blockSize), parallelism: Number(parallelism) }
  if (!Object.values(cost).every((number) => number > 0) || costBytes(cost) > maxCostBytes) return undefined
  return { cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') }
}

/** Memory that one computation takes. @see RFC 7914 sections 5 and 6; what OpenSSL compares with its limit */
export function costBytes({ costLog2, blockSize, parallelism }: ScryptCost): number {
  return 128 * blockSize * (2 ** costLog2 + 2 + parallelism)
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
