/**
 * A number that is the same for the same key in every process and release, to choose a partition by.
 *
 * @see FNV-1a, 32 bits
 */
export function partitionHash(key: Uint8Array): number {
  let value = 0x811c9dc5
  for (const byte of key) value = Math.imul(value ^ byte, 0x01000193)
  return value >>> 0
}
