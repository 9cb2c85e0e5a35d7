import { hiddenText, isSecret } from './secret.ts'

/**
 * Compiles what writes `***` in the place of every secret setting, and of the password in any URL, wherever somebody else's words
 * quote them. Of a secret that is a URL its password is one by itself.
 */
export function compileHider(config: object): (text: string) => string {
  const secrets = Object.values(config)
    .filter(isSecret)
    .flatMap((value) => partsOf(String(value.reveal())))
    .filter((text) => text !== '')
    // The whole before its parts.
    .toSorted((one, other) => other.length - one.length)
  return (text) =>
    secrets
      .reduce((shown, secret) => shown.replaceAll(secret, hiddenText), text)
      .replaceAll(passwordInUrl, `$1${hiddenText}@`)
}

/** What a URL says of a user behind a colon, or all of it, which may be a key. @see RFC 3986 section 3.2.1 */
const passwordInUrl = /\b([a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#@:]*:)?)[^\s/?#@:]+@/gi

/** A secret, and the password in it, as it is written and as it is meant. */
function partsOf(secret: string): readonly string[] {
  if (!URL.canParse(secret)) return [secret]
  const { password } = new URL(secret)
  return [secret, password, decoded(password)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
