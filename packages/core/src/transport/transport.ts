import type { Operation } from '../contract/operation.ts'
import { type NamedToken, type Provider, token } from '../handler/provider.ts'
import type { Logger } from '../telemetry/log.ts'
import type { EventEndpoint, OperationEndpoint } from './endpoint.ts'
import type { ProbeName, ProbeReply, ProbeRequest } from './probe.ts'

/**
 * A way for calls to come in. It translates between a wire and the dispatcher and decides nothing else.
 *
 * An implementation guarantees that it reaches handlers only through the endpoints it is given, that it decodes no input
 * before the endpoint asks for it, and that it answers every arrival with what the endpoint returned.
 */
export interface Transport {
  /** Short and unique in the service: `http`, `grpc`, `queue`. */
  readonly name: string
  /** Providers that come with the transport, such as the `Publisher` of a queue. */
  readonly provides?: readonly Provider[]
  /** Whether this transport can carry the operation, from its contract alone. */
  carries(operation: Operation): boolean
  /** Whether this transport delivers events to consumers. @defaultValue false */
  readonly carriesEvents?: boolean
  /**
   * Whether it asks who sends an event, so that each must come of a known caller: its arrivals are not `isTrusted`. A service without an
   * authenticator cannot have events delivered so.
   *
   * @defaultValue false
   */
  readonly authenticatesEvents?: boolean
  /**
   * Whether callers come to it, who are given time to notice that the service stops (`deregisterDelayMs`). False for one that fetches its work
   * itself, as from a broker.
   *
   * @defaultValue true
   */
  readonly hasCallers?: boolean
  /**
   * Whether messages of the topic come and go here, those of events and of operations with a queue binding. Where transports of
   * a service have this, each topic must belong to exactly one of them: two would handle its messages twice.
   *
   * @defaultValue events of all topics, and no question of whom a command belongs to
   */
  carriesTopic?(topic: string): boolean
  /**
   * What `carriesTopic` says yes to, for descriptions: topics, and beginnings such as `shop.order.*`.
   *
   * @defaultValue what it carries is not told
   */
  readonly topics?: readonly string[]
  /**
   * Where callers are going to reach it, as its options say, for descriptions and what is generated from them. Port 0 is any free one.
   *
   * @param defaultHost As `TransportHost.defaultHost`.
   * @defaultValue nowhere, or it does not tell
   */
  listensAt?(defaultHost: string): readonly Address[]
  /**
   * The servers it connects to of its own accord, such as brokers, as `host:port`, for descriptions and network policies.
   *
   * @defaultValue none, or it does not tell
   */
  readonly connectsTo?: readonly string[]
  /**
   * The probes that it answers over HTTP beside its calls, by path, for descriptions and what manifests are compared with.
   *
   * @defaultValue none, or it does not tell
   */
  readonly probes?: ReadonlyMap<string, ProbeName>
  /**
   * Prepares to serve the endpoints it carries. Called once for each start, before anything listens; opens no connection.
   * `service.check()` calls it too, with endpoints that nobody may dispatch, and then `close`.
   *
   * @throws WiringError or ContractError when an endpoint cannot be carried.
   */
  bind(host: TransportHost): TransportServer
}

/** What a service gives each of its transports. */
export interface TransportHost {
  readonly service: ServiceIdentity
  /** Every operation of the service; a transport picks those it carries. */
  readonly operations: readonly OperationEndpoint[]
  readonly events: readonly EventEndpoint[]
  /** Where to listen when the transport's own options do not say: TENON_HOST, or 127.0.0.1. */
  readonly defaultHost: string
  /** Whether servers take any free port, whatever their options name, as tests ask for. @defaultValue false */
  readonly takesFreePorts?: boolean
  /**
   * How long callers are still served between `withdraw` and `drain` when the service stops of its own accord. What callers are told
   * of how long connections are kept must be shorter, so that they have left idle ones before the server closes them.
   *
   * @defaultValue 0: there is no such time
   */
  readonly deregisterDelayMs?: number
  /** Whether to tell what matters to who writes the service, that is unless NODE_ENV is `production`. @defaultValue false */
  readonly isDevelopment?: boolean
  readonly log: Logger
  /** Reports that the transport cannot go on; the service then drains and ends with exit code 1. */
  fail(error: unknown): void
  /**
   * Tells that the server's `health` says something else about being ready now, so that the registry and the other transports learn of it.
   * Probes ask `health` themselves. A service always has this; a host of a test may not.
   */
  healthChanged?(): void
  /**
   * Answers a probe from what is there already, as the admin server does, for a transport that serves probes beside its calls; callers
   * of the service may read it, so that it tells details only to who has the token of the admin server. A service always has this; a
   * host of a test may not.
   */
  answerProbe?(name: ProbeName, request: ProbeRequest): ProbeReply
}

export interface ServiceIdentity {
  readonly name: string
  readonly version: string
  /** Differs between two running instances. */
  readonly instanceId: string
}

/** Every service provides its own identity: `inject(ServiceInfo)`. */
export const ServiceInfo: NamedToken<ServiceIdentity> = token('ServiceInfo')

/** Where a transport can be reached, for logs, `/info` and the registry. */
export interface Address {
  /** `http`, `https`, `grpc`, … */
  readonly protocol: string
  readonly host: string
  readonly port: number
}

/** How a transport is doing, as far as it knows without asking anybody. */
export interface TransportHealth {
  /**
   * False when it stands still for a reason that only a new process mends. Never for the sake of others: what a broker, a
   * registry or a database fails to do is no reason.
   */
  readonly isLive: boolean
  /** Whether it can take work now. */
  readonly isReady: boolean
  /** Why it is not live, or not ready, or what it cannot do though it is both, in words for operators; undefined while there is nothing to say. */
  readonly reason?: string | undefined
}

/** Whether the calls of a service have to wait for their turn. Only a service with `overload` knows. */
export type Pressure = 'normal' | 'high'

/** How long a drain may take. */
export interface DrainTime {
  /** From its beginning until its signal fires. */
  readonly timeoutMs: number
  /** How long `drain` is waited for after the signal; what it resolves with later is not counted. */
  readonly graceMs: number
}

/**
 * A transport bound to a service. The service calls, each once and in this order: `listen`, `withdraw`, `finish`, `drain`, `close`;
 * after a failed start it may call `close` at any point.
 */
export interface TransportServer {
  /**
   * Starts to accept calls. Resolves when a caller can reach it, with its addresses (empty for one that only consumes).
   *
   * @throws LifecycleError `service.listen_failed` naming address and setting, when the address cannot be had.
   */
  listen(): Promise<readonly Address[]>
  /**
   * Tells clients and load balancers to go elsewhere (gRPC health NOT_SERVING, HTTP `Connection: close`), while calls are
   * still accepted and served.
   */
  withdraw(): void
  /**
   * Learns that the service can take work from now on, or cannot any more, as its readiness probe tells. It cannot until this
   * says so for the first time, after everything has started; later its own checks change it. A drain begins with
   * `withdraw`, not with this. A transport that has nobody to tell, as HTTP has not, leaves it out. Must not throw.
   */
  readinessChanged?(readiness: 'ready' | 'not_ready'): void
  /**
   * Learns that calls have to wait for their turn, or need not any more: `normal` until this says otherwise, and from the beginning of a
   * drain on. A transport that fetches its work itself begins none of it while it is `high`; what it has begun goes on, nothing is lost, and
   * that it waits is no reason not to be live or ready. One whose callers come to it leaves it out. Must not throw.
   */
  pressureChanged?(pressure: Pressure): void
  /**
   * How it is doing, for `/info`: plain data that is there already. May be called at any time; must not throw, nor wait for
   * anybody. A transport that has nothing to tell leaves it out.
   */
  info?(): object
  /**
   * How it is doing, for probes. The service is live while all its transports are. It is ready while all are, or where one leaves this out:
   * that one is live, and takes work from `listen` on. One that takes no work says that it is ready. Answers from what is there already,
   * in microseconds; may be called at any time, must not throw, nor wait for anybody. While it throws, the transport is live and not ready.
   */
  health?(): TransportHealth
  /**
   * Handles what it has accepted and nobody else would, such as the messages of a broker that ends with this process. Called
   * when all transports without this have drained, and before `drain`; the dispatcher lets in arrivals that are accepted, and
   * no others. When the signal fires it is given up. A transport that loses nothing by being stopped leaves it out.
   *
   * @throws Error that says what is left; the process ends with exit code 1 then.
   */
  finish?(signal: AbortSignal): Promise<void>
  /**
   * Takes no more work and resolves when all running work has been answered. The dispatcher answers new calls
   * `unavailable` from here on. When the signal fires the deadline has come: the dispatcher ends all running calls as
   * `unavailable`, and drain resolves as soon as those answers are written.
   *
   * Resolves with how many answers the deadline kept from being written in full, or with nothing where that cannot be; any
   * above 0 ends the process with exit code 1, as calls that were cut do.
   *
   * @param time What a service always tells; a host of a test may not.
   */
  drain(signal: AbortSignal, time?: DrainTime): Promise<number | void>
  /** Cuts what is left and releases sockets and connections. Safe to call twice. */
  close(): Promise<void>
}
