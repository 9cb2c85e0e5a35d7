import { Resolver } from 'node:dns/promises'
import type { DnsAddress, DnsServiceRecord } from './dns-mapping.ts'
import type { DnsSettings } from './dns-options.ts'

/** Asks DNS. A name that does not exist, or has nothing of what is asked for, has an empty list; all else that goes wrong rejects. */
export class DnsAgent {
  readonly #settings: DnsSettings
  readonly #signal: AbortSignal

  /** All questions end when the signal fires. */
  constructor(settings: DnsSettings, signal: AbortSignal) {
    this.#settings = settings
    this.#signal = signal
  }

  /** The addresses of a host, of the families that are asked for. Nobody is asked for those of this machine. */
  async addresses(host: string): Promise<readonly DnsAddress[]> {
    const { addressFamily } = this.#settings
    if (isLoopback(host)) return loopback.filter(({ family }) => addressFamily === 'both' || addressFamily === family)
    const toAddress = ({ address, ttl }: { address: string; ttl: number }) => ({ address, ttlMs: ttl * 1_000 })
    const asked = await Promise.all([
      addressFamily === 'ipv6' ? [] : this.#ask(host, 'A', (resolver) => resolver.resolve4(host, { ttl: true })),
      addressFamily === 'ipv4' ? [] : this.#ask(host, 'AAAA', (resolver) => resolver.resolve6(host, { ttl: true })),
    ])
    return asked.flat().map(toAddress)
  }

  async services(host: string): Promise<readonly DnsServiceRecord[]> {
    const records = await this.#ask(host, 'SRV', (resolver) => resolver.resolveSrv(host))
    // A target of `.`, which Node tells as nothing, says that the service is decidedly not there: RFC 2782.
    return records.filter(({ name }) => name !== '')
  }

  async #ask<Record>(
    host: string,
    type: string,
    resolve: (resolver: Resolver) => Promise<Record[]>,
  ): Promise<readonly Record[]> {
    const { servers, timeoutMs } = this.#settings
    // A new one each time: by what a server took before, c-ares would shorten the time that it has, to 250 ms, and never find it slower
    // (c-ares#794).
    const resolver = new Resolver({ timeout: timeoutMs, tries: tryCount })
    if (servers) resolver.setServers(servers)
    const cancel = () => resolver.cancel()
    this.#signal.addEventListener('abort', cancel, { once: true })
    try {
      this.#signal.throwIfAborted()
      return await resolve(resolver)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOTFOUND' || code === 'ENODATA') return []
      throw toTrouble({ host, type, servers: resolver.getServers(), code }, error)
    } finally {
      this.#signal.removeEventListener('abort', cancel)
    }
  }
}

/** Whether it is this machine, whatever servers say of it. @see RFC 6761 section 6.3 */
function isLoopback(host: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(host)
}

const loopback = [
  { family: 'ipv4', address: '127.0.0.1', ttlMs: Number.POSITIVE_INFINITY },
  { family: 'ipv6', address: '::1', ttlMs: Number.POSITIVE_INFINITY },
] as const

/** A datagram may be lost. */
const tryCount = 2

interface Asked {
  readonly host: string
  readonly type: string
  readonly servers: readonly string[]
  readonly code: string
}

function toTrouble({ host, type, servers, code }: Asked, cause: unknown): Error {
  const text = `dnsRegistry: asked ${servers.join(', ')} for ${type} of ${host}: ${sentences.get(code) ?? `it failed with ${code}`}`
  return new Error(text, { cause })
}

const unreachable = 'check that the server is up, and that UDP and TCP to its port are open'

const sentences: ReadonlyMap<string, string> = new Map([
  ['ETIMEOUT', `nothing answered in time; ${unreachable}`],
  ['ECONNREFUSED', `the connection was refused; ${unreachable}`],
  ['ESERVFAIL', 'it failed there (SERVFAIL); see the log of the server'],
  ['EREFUSED', 'it refuses to answer (REFUSED); let it serve the name, or this host'],
  ['EBADNAME', 'it is no name that DNS can have; set services.<name>.host'],
  ['EBADRESP', 'the answer cannot be read'],
])

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : String(error)
}
