import { ConfigError } from '../../error/setup-error.ts'
import type { Route } from './place.ts'

const brand: unique symbol = Symbol.for('tenon.confidential') as never

/**
 * Marks a client interceptor that sends what nobody on the way may read, such as a token: `remote()` takes it only for calls that stay on this host or
 * are encrypted.
 */
export function markConfidential<Interceptor extends object>(interceptor: Interceptor): Interceptor {
  Object.defineProperty(interceptor, brand, { value: true })
  return interceptor
}

/** @throws ConfigError `config.malformed` for a remote that others on the way could listen to, where an interceptor is confidential. */
export function requireConfidential(name: string, at: string, sent: { interceptors: readonly object[]; route: Route }) {
  if (!sent.interceptors.some((one) => brand in one) || isConfidential(sent.route)) return
  const message = `remote(${name}): what an interceptor sends is confidential, so "${at}" must be called by TLS, or be on this host and behind no proxy, or local; give its transport tls, or allow plain text where the interceptor is made`
  throw new ConfigError([{ code: 'config.malformed', message }])
}

function isConfidential(route: Route): boolean {
  if (route.kind === 'local') return true
  if (encrypted.has(route.via.protocol ?? route.via.name)) return true
  if (route.kind === 'url' && route.scheme === 'https') return true
  // To whoever stands between, this host is another one.
  if (route.via.isRelayed === true) return false
  if (route.kind === 'url') return isLoopback(route.address)
  return route.kind === 'fixed' && route.addresses.every(isLoopback)
}

/** What transports over TLS are announced as. */
const encrypted: ReadonlySet<string> = new Set(['https', 'grpcs'])

/** Whether an address with its port leads nowhere else than to this host. @see RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3 */
function isLoopback(address: string): boolean {
  return /^(?:unix:|(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):\d+$)/i.test(address)
}
