import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import {
  type Address,
  lastRepliesMs,
  LifecycleError,
  type Transport,
  type TransportHost,
  type TransportServer,
  unlessAborted,
} from '@tenon/core/transport'
import type { AttachedProbes } from './attached-probes.ts'
import { type AttachedIdleTime, tellIdleTime } from './attached-idle-time.ts'
import { ServerTraffic } from './server-traffic.ts'

export interface AttachedOptions {
  readonly name: string
  readonly probes: AttachedProbes
}

/** A server of the team's own as a transport: it carries nothing of the service, and stops with it. */
export function attachedServer(server: Server | TlsServer, { name, probes }: AttachedOptions): Transport {
  const traffic = new ServerTraffic(server)
  return Object.freeze({
    name,
    carries: () => false,
    bind: (host) => {
      probes.follow(host)
      return new AttachedServer({ name, server, traffic, host })
    },
  } satisfies Transport)
}

interface Attachment {
  readonly name: string
  readonly server: Server | TlsServer
  readonly traffic: ServerTraffic
  readonly host: TransportHost
}

class AttachedServer implements TransportServer {
  readonly #name: string
  readonly #server: Server | TlsServer
  readonly #traffic: ServerTraffic
  readonly #host: TransportHost
  readonly #closing = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  #idleTime: AttachedIdleTime | undefined
  #turning: NodeJS.Timeout | undefined
  /** A service that is only checked leaves the server alone. */
  #isOurs = false
  #isCut = false

  constructor({ name, server, traffic, host }: Attachment) {
    this.#name = name
    this.#server = server
    this.#traffic = traffic
    this.#host = host
  }

  /** The team lets it listen. It serves nothing of the service, so nobody who looks for the service is to find it. */
  async listen(): Promise<readonly Address[]> {
    this.#isOurs = true
    this.#traffic.welcome()
    this.#idleTime = tellIdleTime(this.#server, this.#host.deregisterDelayMs)
    if (process.listenerCount('SIGTERM') === 0) {
      this.#host.log.warn(
        {},
        'nobody in this process hears SIGTERM: start the service with run(), or stop it at the signal yourself',
      )
    }
    if (!this.#server.listening) await this.#untilListening()
    this.#server.once('close', this.#ended.resolve)
    return []
  }

  withdraw(): void {
    this.#traffic.withdraw()
    const servedMs = this.#idleTime?.servedMs ?? 0
    if (servedMs > 0) this.#turning ??= setTimeout(() => this.#traffic.drain(), servedMs).unref()
  }

  async drain(signal: AbortSignal): Promise<number> {
    this.#traffic.withdraw()
    // That of HTTP would cut what it takes for idle; and a server that is closed twice says so twice.
    if (this.#server.listening) NetServer.prototype.close.call(this.#server)
    this.#traffic.drain()
    await unlessAborted(this.#traffic.emptied(), signal)
    this.#isCut = this.#traffic.count > 0
    return this.#traffic.count
  }

  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#turning)
    if (!this.#isOurs) return
    this.#traffic.withdraw()
    if (this.#server.listening) this.#server.close()
    if (!this.#isCut) await unlessAborted(this.#traffic.emptied(), AbortSignal.timeout(lastRepliesMs))
    this.#traffic.close()
    // What the hooks of terminus clean up may be used until the last connection is gone.
    await unlessAborted(this.#ended.promise, AbortSignal.timeout(lastRepliesMs))
    this.#traffic.cut()
    this.#idleTime?.[Symbol.dispose]()
  }

  async #untilListening(): Promise<void> {
    try {
      await once(this.#server, 'listening', { signal: this.#closing.signal })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `the server that is attached as ${this.#name} does not listen: ${reason}`
      throw new LifecycleError([{ code: 'service.listen_failed', message }], cause)
    }
  }
}
