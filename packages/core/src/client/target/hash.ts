/** 32 bits of a text that have nothing to do with those of a similar one. @see FNV-1a; MurmurHash3, fmix32 */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return mixed(hash)
}

/** The hash of a hash and a number. */
export function mixed(hash: number, salt = 0): number {
  let mix = hash ^ Math.imul(salt, 0x9e3779b1)
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return (mix ^ (mix >>> 16)) >>> 0
}
