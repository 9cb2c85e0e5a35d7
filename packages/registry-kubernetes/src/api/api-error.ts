/** What the API server refused, or that it could not be asked. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  /** Of the reply, or told in a watch; undefined where nothing came that could be read. */
  readonly status: number | undefined
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { status, retryAfterMs, cause }: ApiErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  /** The version is no longer known: list again. @see Kubernetes, 410 Gone responses */
  get isGone(): boolean {
    return this.status === 410
  }
}

export interface ApiErrorOptions {
  readonly status?: number
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** What a server answers in the place of what was asked. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/** What to do about a refusal, for a person. */
export function adviceOf(status: number): string {
  if (status === 401) return ': it does not know who asks; give a token of this cluster that has not expired'
  if (status === 403)
    return ': let the account list and watch endpointslices of discovery.k8s.io, by the Role in the README of @tenon/registry-kubernetes'
  if (status === 404) return ': it has no discovery.k8s.io/v1, which Kubernetes has from 1.21 on'
  return ''
}

/** Why no answer came, for a person; what to do, too, where the certificate of the server is not trusted. */
export function toReason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  // Where every address of a name was tried there is no message.
  const text = cause.message || code || cause.name
  if (!/CERT|ERR_TLS/.test(code)) return text
  return `${text}: name the authority that signed its certificate (certificate-authority of the kubeconfig), or the name the certificate is for (tls-server-name)`
}
