/** What a member answered, or that it did not. */
export interface Refusal {
  /** The member's `host:port`. */
  readonly address: string
  /** What it was asked to do: `read /tenon/services/user/`. */
  readonly asked: string
  /** The name of a status of gRPC, such as `UNAVAILABLE`. */
  readonly status: string
  /** What it said, or what became of the connection. */
  readonly details: string
}

/** Etcd refused, or could not be asked: where, what, why, and what to do. */
export class EtcdError extends Error {
  override readonly name: string = 'EtcdError'
  readonly #refusal: Refusal

  constructor(refusal: Refusal, cause?: unknown) {
    super(toSentence(refusal), cause === undefined ? undefined : { cause })
    this.#refusal = refusal
  }

  /** Whether another member may do what this one could not. */
  get isOfMember(): boolean {
    const { status, details } = this.#refusal
    return statusesOfMember.includes(status) || details.includes('not supported for learner')
  }

  /** Whether it no longer knows the token that was shown, as after it was started again. */
  get isOldToken(): boolean {
    const { details } = this.#refusal
    return details.includes('invalid auth token') || details.includes('revision of auth store is old')
  }

  get isWithoutAuthentication(): boolean {
    return this.#refusal.details.includes('authentication is not enabled')
  }

  get isLeaseGone(): boolean {
    return this.#refusal.details.includes('requested lease not found')
  }
}

/** What grpc-js says around the reason why there is no connection. */
const wordsOfChannel = /^No connection established\. Last error: (?:Error: )?|\.? Resolution note: .*$/g

/** Etcd answers all else itself, and another member would say the same. */
const statusesOfMember = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'INTERNAL', 'UNKNOWN', 'UNIMPLEMENTED']

/** What to do about what etcd says. @see etcd v3.6, api/v3rpc/rpctypes/error.go */
const advice: readonly (readonly [said: string, advice: string])[] = [
  ['permission denied', 'grant a role of the user readwrite on these keys, or read where it only watches'],
  ['invalid user ID or password', 'check user and password'],
  ['user name is empty', 'its authentication is enabled: give user and password'],
  ['no leader', 'see that most of its members run and reach one another'],
  ['database space exceeded', 'compact and defragment it, then disarm the alarm NOSPACE'],
  ['too large lease TTL', 'lower ttlMs'],
  ['certificate', 'check tls.ca and tls.serverName, or tls.cert and tls.key'],
  ['tls', 'check that it speaks TLS exactly where tls or https:// says so'],
  ['ssl', 'check that it speaks TLS exactly where tls or https:// says so'],
]

function toSentence({ address, asked, status, details }: Refusal): string {
  const said = details.replace(wordsOfChannel, '').replace(/^etcdserver: /, '')
  const [, what] = advice.find(([text]) => said.toLowerCase().includes(text.toLowerCase())) ?? []
  const why = what === undefined ? said : `${said}: ${what}`
  if (details.startsWith('etcdserver: ')) return `etcd at ${address} did not ${asked}: ${why}`
  if (status === 'DEADLINE_EXCEEDED') return `etcd at ${address} did not answer in time when asked to ${asked}`
  if (status === 'UNAVAILABLE') return `etcd at ${address} cannot be reached to ${asked}: ${why}`
  return `etcd at ${address} did not ${asked}: ${status}, ${why}`
}
