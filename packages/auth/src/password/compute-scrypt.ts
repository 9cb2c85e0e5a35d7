import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { costBytes, type ScryptCost } from './scrypt-hash.ts'

const scryptAsync = promisify<string, Uint8Array, number, object, Buffer>(scrypt)

/** What a key is computed of, besides the password. */
export interface ScryptWork {
  readonly cost: ScryptCost
  readonly salt: Uint8Array
  readonly keyBytes: number
}

/** Computes the key of a password, on a thread beside the event loop. */
export type Derive = (password: string, work: ScryptWork) => Promise<Uint8Array>

export const computeScrypt: Derive = (password, { cost, salt, keyBytes }) => {
  const { costLog2, blockSize, parallelism } = cost
  // Without `maxmem` Node refuses what takes more than 32 MiB.
  const options = { N: 2 ** costLog2, r: blockSize, p: parallelism, maxmem: costBytes(cost) }
  return scryptAsync(password, salt, keyBytes, options)
}
