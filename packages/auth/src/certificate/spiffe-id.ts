/** The name of a workload: `spiffe://prod.example/ns/shop/sa/order`. */
export interface SpiffeId {
  readonly id: string
  /** Who answers for it: `prod.example`. */
  readonly trustDomain: string
  /** `/ns/shop/sa/order`; empty for the trust domain itself. */
  readonly path: string
}

/** @see SPIFFE-ID section 2: no port, no user, no query, no empty segment, none that is dots alone */
const form = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[\w.-]+)*)$/
const dots = /\/\.{1,2}(?:\/|$)/
const maxBytes = 2_048

/** Reads an id; undefined for what is none. */
export function readSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > maxBytes) return undefined
  const [, trustDomain, path = ''] = form.exec(text) ?? []
  return trustDomain === undefined || dots.test(path) ? undefined : { id: text, trustDomain, path }
}
