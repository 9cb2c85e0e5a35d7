import { connect, isIP, type Socket } from 'node:net'
import type { Logger } from '@tenon/core/transport'
import type library from 'kafkajs'
import type { ISocketFactoryArgs, Kafka, SASLOptions } from 'kafkajs'
import { within } from '../../wait.ts'
import { type KafkaSaslOptions, passwordOf, toConnectionOptions } from '../kafka/kafka-security.ts'
import type { TokenSource } from '../kafka/kafka-token.ts'
import type { KafkajsSettings } from './kafkajs-options.ts'
import { type InnerBroker, watchRequests } from './kafkajs-request-watch.ts'

export type Kafkajs = typeof library

/** Below what kafkajs waits by default, so that broker restarts are seen early; eight tries take about nine seconds. */
export const briefRetry = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 }
/**
 * Some minutes. A consumer that runs out of tries starts anew as another member, and the group waits for the session of the
 * old one to end before it hands out its partitions.
 */
export const patientRetry = { ...briefRetry, retries: 100 }
/** How long an orderly end may take; kafkajs waits for ever on a broker that is gone. */
export const disconnectTimeoutMs = 3_000
export const cutDisconnectTimeoutMs = 1_000
/** How long one connection may take to open, TLS included; kafkajs's 1 s is little for a distant broker. A guess. */
const socketTimeoutMs = 3_000
/**
 * How long before its session with a broker ends a connection proves again who it is. With kafkajs's 10 s, sessions that are
 * shorter would do so at once, which brokers refuse within a second. A guess.
 */
const reauthenticationMs = 2_000

export interface ClientSettings {
  readonly settings: KafkajsSettings
  readonly clientId: string
  /** Of `oauthbearer`; undefined for other mechanisms. */
  readonly tokens: TokenSource | undefined
  readonly retry: typeof briefRetry
  /** Where kafkajs's own lines go, for debugging only: it logs routine rebalances as errors. */
  readonly log?: Logger
}

/**
 * One kafkajs client for one producer, consumer or admin, which can be ended for good. kafkajs by itself shares committed
 * offsets between the consumers of a client, and after a broker's restart forgets some sockets, which then stay open.
 */
export class KafkajsClient {
  readonly kafka: Kafka
  readonly #sockets = new Set<Socket>()
  #isClosed = false
  #failure: string | undefined

  constructor({ Kafka: Client, logLevel }: Kafkajs, { settings, clientId, tokens, retry, log }: ClientSettings) {
    const { brokers, connectTimeoutMs, tls, sasl } = settings
    this.kafka = new Client({
      // Without brokers whatever still tries to connect gives up at once.
      brokers: () => (this.#isClosed ? [] : [...brokers]),
      clientId,
      retry,
      connectionTimeout: Math.min(connectTimeoutMs, socketTimeoutMs),
      reauthenticationThreshold: reauthenticationMs,
      ...(tls && { ssl: toConnectionOptions(tls) ?? {} }),
      ...(sasl && { sasl: toSasl(sasl, tokens) }),
      logLevel: log ? logLevel.WARN : logLevel.NOTHING,
      logCreator: () => (entry) => log?.debug({ kafkajs: entry.log }, `kafkajs: ${entry.log.message}`),
      socketFactory: (address) => this.#connect(address),
    })
  }

  /** Why the last connection failed that could not be opened or ended by itself. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Disconnects the part that was made of this client, or cuts what is left of it when that takes too long. */
  async disconnect(part: { disconnect(): Promise<void> }, timeoutMs: number): Promise<void> {
    await within(part.disconnect(), timeoutMs, 'still disconnecting').catch(() => undefined)
    this.#isClosed = true
    // With an error, which makes kafkajs end the timer that belongs to the socket.
    for (const socket of this.#sockets) socket.destroy(new Error('disconnected'))
  }

  /** As kafkajs does by itself. */
  #connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    if (this.#isClosed) throw new Error('disconnected')
    const socket = ssl ? connectTls({ host, port, ssl, onConnect }) : connect({ host, port }, onConnect)
    socket.setKeepAlive(true, 60_000)
    this.#sockets.add(socket)
    socket.once('error', ({ message }) => (this.#failure = message))
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }
}

function connectTls({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  // An address is no server name. @see RFC 6066 section 3
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return process.getBuiltinModule('node:tls').connect({ host, port, ...servername, ...ssl }, onConnect)
}

/** A new object each time: kafkajs writes into it. */
function toSasl(sasl: KafkaSaslOptions, tokens: TokenSource | undefined): SASLOptions {
  const { mechanism } = sasl
  if (mechanism === 'oauthbearer')
    return { mechanism, oauthBearerProvider: async () => ({ value: (await tokens?.next()) ?? '' }) }
  return { mechanism, username: sasl.username, password: passwordOf(sasl) }
}

/** kafkajs with its idle timer cured and its requests watched. Loaded when it is first needed: a service on the memory driver does not pay for it. */
export function loadKafkajs(): Promise<Kafkajs> {
  loading ??= import('kafkajs').then(async ({ default: kafkajs }) => {
    await cureIdleTimer()
    await watchInnerBrokers()
    return kafkajs
  })
  return loading
}

let loading: Promise<Kafkajs> | undefined

/**
 * Every connection of kafkajs sets a timer of negative length over and over, which Node 24 warns of and turns into one of
 * 1 ms. The check it makes is needed only while requests are held back.
 *
 * @see tulios/kafkajs issues 1704 and 1751
 */
async function cureIdleTimer(): Promise<void> {
  // @ts-expect-error kafkajs publishes no types for its inner files
  const { default: RequestQueue } = await import('kafkajs/src/network/requestQueue/index.js')
  const { prototype } = RequestQueue as { prototype: IdleQueue }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function scheduleWhilePending(this: IdleQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}

async function watchInnerBrokers(): Promise<void> {
  // @ts-expect-error kafkajs publishes no types for its inner files
  const { default: Broker } = await import('kafkajs/src/broker/index.js')
  const { prototype } = Broker as { prototype: InnerBroker }
  watchRequests(prototype)
}

interface IdleQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(this: IdleQueue): void
}
