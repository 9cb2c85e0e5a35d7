import type {
  ChannelState,
  ConnectionUse,
  ClientChannel,
  ClientTarget,
  ClientTransport,
  OutgoingCall,
} from '@tenon/core/client'
import type { Operation } from '@tenon/core/contract'
import {
  httpAnsweredAttributes,
  httpClientConvention,
  httpSentAttributes,
  type SizeObserver,
} from '@tenon/core/telemetry'
import { ServiceError } from '@tenon/core/transport'
import { type ClientMethod, compileClientMethod } from './client-method.ts'
import { ConnectionPool, type WireReply, type WireRequest } from './connection-pool.ts'
import { type HttpClientOptions, type HttpClientSettings, resolveHttpClientOptions } from './http-client-options.ts'
import { RunningCall } from './running-call.ts'
import { SentItems } from './sent-items.ts'
import { tellHeaders, tellTrailers } from './told-headers.ts'
import { writeHeaders } from './write-headers.ts'

/**
 * Calls other services over HTTP, by their contracts: `remote(orders, { via: httpClient(), at: 'static:///order:3001' })`.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function httpClient(options: HttpClientOptions = {}): ClientTransport {
  const settings = resolveHttpClientOptions(options)
  return Object.freeze({
    name: 'http',
    protocol: settings.tls === undefined ? 'http' : 'https',
    schemes: settings.tls === undefined ? ['http', 'https'] : ['https'],
    isRelayed: settings.proxy !== undefined,
    open: (target) => new HttpChannel(target, settings),
    convention: ({ http }, place) =>
      http && httpClientConvention({ method: http.method, route: (place.pathPrefix ?? '') + http.path, place }),
  } satisfies ClientTransport)
}

/** How long running calls without a deadline may take to end once the channel closes. A guess. */
const closeMs = 1_000

class HttpChannel implements ClientChannel {
  readonly #pool: ConnectionPool
  readonly #methods: ReadonlyMap<string, ClientMethod>
  readonly #running = new Set<RunningCall>()
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(target: ClientTarget, given: HttpClientSettings) {
    const { contract, scheme } = target
    const settings = scheme === 'https' && given.tls === undefined ? { ...given, tls: {} } : given
    this.#pool = new ConnectionPool(target, settings)
    this.#methods = new Map(
      contract.operations.flatMap((operation) => {
        const { id, http } = operation
        return http ? [[id, compileClientMethod(operation, http, settings.maxResponseBytes)] as const] : []
      }),
    )
  }

  async unary(operation: Operation, input: unknown, outgoing: OutgoingCall): Promise<unknown> {
    const { method, headers, timeoutMs } = this.#prepare(operation, outgoing)
    const request = method.writeOne(input, headers)
    const running = this.#enter(outgoing, timeoutMs)
    try {
      return await readOne(method, await this.#send(request, running, outgoing), outgoing)
    } finally {
      this.#leave(running)
    }
  }

  async *serverStream(operation: Operation, input: unknown, outgoing: OutgoingCall): AsyncGenerator<unknown> {
    const { method, headers, timeoutMs } = this.#prepare(operation, outgoing)
    const request = method.writeOne(input, takingTrailers(headers, outgoing))
    const running = this.#enter(outgoing, timeoutMs)
    try {
      const reply = await this.#send(request, running, outgoing)
      // Its end is not to be waited for until somebody asks for the next item.
      void reply.ended.then(() => running.leave())
      yield* readStream(method, reply, outgoing)
    } finally {
      this.#leave(running)
    }
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, outgoing: OutgoingCall): Promise<unknown> {
    const { method, headers, timeoutMs } = this.#prepare(operation, outgoing)
    const running = this.#enter(outgoing, timeoutMs)
    const sent = toSent(inputs, running)
    try {
      const request = await method.writeStream(sent, headers, running.signal)
      return await readOne(method, await this.#send(request, running, outgoing), outgoing)
    } finally {
      sent.end()
      outgoing.observed?.sizes?.addBytes('request', sent.byteCount)
      this.#leave(running)
    }
  }

  async *bidiStream(
    operation: Operation,
    inputs: AsyncIterable<unknown>,
    outgoing: OutgoingCall,
  ): AsyncGenerator<unknown> {
    const { method, headers, timeoutMs } = this.#prepare(operation, outgoing)
    const running = this.#enter(outgoing, timeoutMs)
    const sent = toSent(inputs, running)
    try {
      const request = await method.writeStream(sent, takingTrailers(headers, outgoing), running.signal)
      const reply = await this.#send(request, running, outgoing)
      void reply.ended.then(() => {
        sent.end()
        running.leave()
      })
      yield* readStream(method, reply, outgoing)
    } finally {
      sent.end()
      outgoing.observed?.sizes?.addBytes('request', sent.byteCount)
      this.#leave(running)
    }
  }

  state(): ChannelState {
    return this.#pool.state()
  }

  use(): ConnectionUse | undefined {
    return this.#pool.use()
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    const timer = setTimeout(() => this.#cutEndless(), closeMs)
    try {
      if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    } finally {
      clearTimeout(timer)
      await this.#pool.close()
    }
  }

  #cutEndless(): void {
    for (const running of this.#running)
      if (!running.hasDeadline) running.end(new ServiceError('cancelled', 'the client was closed'))
  }

  async #send(request: WireRequest, running: RunningCall, outgoing: OutgoingCall): Promise<WireReply> {
    const { observed, previousAttemptCount: resendCount } = outgoing
    observed?.describe(() => httpSentAttributes({ url: this.#pool.urlOf(request), resendCount }))
    if (observed?.sizes && Buffer.isBuffer(request.body)) observed.sizes.addBytes('request', request.body.length)
    const reply = await this.#pool.send(request, running)
    observed?.mark(httpAnsweredAttributes(reply.status))
    return observed?.sizes ? measured(reply, observed.sizes) : reply
  }

  #prepare({ id }: Operation, outgoing: OutgoingCall) {
    const method = this.#methods.get(id)
    if (method === undefined) throw new ServiceError('unimplemented', `${id} is not offered over HTTP`)
    const { signal, metadata, timeoutMs } = outgoing
    if (signal?.aborted)
      throw new ServiceError('cancelled', 'the call was cancelled before it was sent', { cause: signal.reason })
    if (this.#closed) throw new ServiceError('unavailable', 'the client is closed')
    return { method, headers: writeHeaders(metadata), timeoutMs }
  }

  #enter(outgoing: OutgoingCall, timeoutMs: number | undefined): RunningCall {
    const running = new RunningCall(outgoing, timeoutMs, () => {
      this.#running.delete(running)
      if (this.#running.size === 0) this.#idle?.()
    })
    this.#running.add(running)
    return running
  }

  /** What is still open of a call that nobody waits for is cut: over HTTP/1.1 that is the only way to say so. */
  #leave(running: RunningCall): void {
    running.leave()
    running.end(left)
  }
}

/** The same, with its body counted as it is read. */
function measured(reply: WireReply, sizes: SizeObserver): WireReply {
  const body = async function* () {
    for await (const chunk of reply.body()) {
      sizes.addBytes('response', chunk.length)
      yield chunk
    }
  }
  return { ...reply, body }
}

/** Made once: nobody gets to see it, and a stack for each call costs more than all that is done here. */
const left = new ServiceError('cancelled', 'the caller left')

async function readOne(method: ClientMethod, reply: WireReply, outgoing: OutgoingCall): Promise<unknown> {
  tellHeaders(reply, outgoing)
  try {
    return await method.readOne(reply)
  } finally {
    tellTrailers(reply, outgoing)
  }
}

async function* readStream(method: ClientMethod, reply: WireReply, outgoing: OutgoingCall): AsyncGenerator<unknown> {
  tellHeaders(reply, outgoing)
  try {
    yield* method.readStream(reply)
    tellTrailers(reply, outgoing)
  } catch (error) {
    tellTrailers(reply, outgoing)
    throw error
  }
}

/**
 * Without `connection: TE`, which undici does not send: who stands between may drop it, and with it the trailers.
 *
 * @see RFC 9110 section 10.1.4
 */
function takingTrailers(headers: WireRequest['headers'], { onTrailers }: OutgoingCall): WireRequest['headers'] {
  return onTrailers ? { ...headers, te: 'trailers' } : headers
}

/** Items that stop when the call ends, and end it when their source fails. */
function toSent(inputs: AsyncIterable<unknown>, running: RunningCall): SentItems {
  const sent = new SentItems(inputs, (error) => running.end(error))
  running.signal.addEventListener('abort', () => sent.end(), { once: true })
  return sent
}
