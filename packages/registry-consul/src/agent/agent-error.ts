/** Why an agent did not do what it was asked. */
export class AgentError extends Error {
  override readonly name: string = 'AgentError'
  /** Of its answer; undefined where there is none. */
  readonly status: number | undefined

  constructor(message: string, options: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.status = options.status
  }
}

/** A request, for messages. */
export interface Asked {
  /** `http://127.0.0.1:8500` */
  readonly origin: string
  /** Goes on after "asked": `to register the instance user-1`. */
  readonly purpose: string
}

/** An answer that is none of those that were expected. */
export function refused({ origin, purpose }: Asked, status: number, body: string): AgentError {
  const said = body.trim().slice(0, 300)
  const advice = adviceOf(status, said)
  const told = said === '' ? '' : ` (${said})`
  return new AgentError(`Consul at ${origin}, asked ${purpose}, answered ${status}${told}: ${advice}`, { status })
}

/** No answer. */
export function unreachable({ origin, purpose }: Asked, cause: unknown): AgentError {
  const error = cause instanceof Error ? cause : new Error(String(cause))
  const code = codeOf(error)
  const reason = error.message || code || error.name
  const advice = code === undefined ? undefined : tlsAdvice(code)
  return new AgentError(
    `Consul at ${origin}, asked ${purpose}, cannot be reached: ${reason}${advice === undefined ? '' : `; ${advice}`}`,
    { cause },
  )
}

function adviceOf(status: number, said: string): string {
  if (/sent an HTTP request to an HTTPS server/i.test(said)) return 'it speaks TLS, write https:// in the address'
  if (/no (?:known )?(?:cluster )?leader/i.test(said))
    return 'its servers have no leader now, or cannot be reached by it'
  return advices[status] ?? 'look into its log'
}

const advices: Readonly<Record<number, string>> = {
  400: 'it does not take what it was given',
  401: 'something between refuses the request',
  403: 'give the option token a token of Consul whose policies allow it',
  404: 'it does not know it, or is no agent of Consul',
  429: 'it limits the rate of requests; look at its setting limits',
  500: 'look into its log',
  503: 'it or something before it is overloaded; look at its setting limits',
}

function codeOf(error: Error): string | undefined {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : undefined
}

/** @see Node, X.509 certificate error codes */
function tlsAdvice(code: string): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'set tls.serverName to a name of its certificate, such as server.dc1.consul'
  if (/CERT|ISSUER|SIGNATURE|SELF_SIGNED/.test(code)) return 'set tls.ca to the authority that signed its certificate'
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO')
    return 'it speaks no TLS, write http:// in the address'
  if (/ALERT/.test(code)) return 'it wants a certificate of its clients: set tls.cert and tls.key'
  return undefined
}
