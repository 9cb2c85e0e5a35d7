import { type Attributes, SpanKind } from '@opentelemetry/api'
import type { ErrorCode } from '../error/error-code.ts'
import type { ServiceError } from '../error/service-error.ts'
import type { ActiveCalls } from './active-calls.ts'
import type { MetricName } from './instrument.ts'

/**
 * How OpenTelemetry is told of the calls of one operation over one transport. Made before calls come, so that one costs little.
 *
 * All names are those of the semantic conventions 1.45.0, where HTTP and RPC are stable and messaging is not; what they do not name is
 * `tenon.*`. No other module writes one.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/
 */
export interface CallConvention {
  readonly spanName: string
  readonly kind: SpanKind
  /** Whether a handler runs for it, whose exceptions are told here and nowhere else. */
  readonly runsHandler: boolean
  /** Whether it has a span only as a part of another. @defaultValue false */
  readonly isOnlyPart?: boolean
  /** What is known before: of the span, where a sampler sees it too, and of metrics, so that there are few values. */
  readonly attributes: Attributes
  /** What is known before and has many values: of the span alone. */
  readonly spanAttributes?: Attributes
  /** Measures how long a call takes. @defaultValue nothing does */
  readonly duration?: MetricName<'histogram'>
  /** Measures how many bytes of bodies or messages went each way. @defaultValue nothing does */
  readonly sizes?: Readonly<Partial<Record<'request' | 'response', MetricName<'histogram'>>>>
  /** Counts the calls that run. @defaultValue nothing does */
  readonly active?: ActiveCalls
  /** What the end of a call adds to what is known before; undefined for a call that succeeded. */
  outcomeOf(error: ServiceError | undefined): CallOutcome
}

export interface CallOutcome {
  /** Few values, for metrics have them too. */
  readonly attributes: Attributes
  /** Whether it is an error of the side that tells of it: a caller's own fault is none of the server's. */
  readonly isError: boolean
}

/** A route as a server offers it. */
export interface HttpServerFacts {
  readonly method: string
  /** As the contract has it: `/users/:userId`. */
  readonly route: string
  readonly scheme: 'http' | 'https'
  /** Of a call that succeeds. */
  readonly status: number
  readonly statusOf: (error: ServiceError) => number
}

/** Calls that come over HTTP. */
export function httpServerConvention({ method, route, scheme, status, statusOf }: HttpServerFacts): CallConvention {
  const request = { 'http.request.method': method, 'url.scheme': scheme }
  return {
    spanName: `${method} ${route}`,
    kind: SpanKind.SERVER,
    runsHandler: true,
    attributes: { ...request, 'http.route': route },
    duration: 'http.server.request.duration',
    sizes: { request: 'http.server.request.body.size', response: 'http.server.response.body.size' },
    active: { metric: 'http.server.active_requests', attributes: request },
    outcomeOf: (error) => {
      const sent = error === undefined ? status : statusOf(error)
      return outcome({ 'http.response.status_code': sent }, sent >= 500 ? error : undefined)
    },
  }
}

/** What a request says of itself. */
export interface HttpRequestFacts {
  /** As it was sent: path and query, percent-encoded. */
  readonly target: string
  /** `1.1`, `2` */
  readonly version: string
  readonly host: string | undefined
  readonly userAgent: string | undefined
  /** Whom a trusted proxy names, or else who connected. */
  readonly client: string | undefined
}

/** Of the span of a request that came. */
export function httpRequestAttributes({ target, version, host, userAgent, client }: HttpRequestFacts): Attributes {
  return given({
    ...urlAttributes(target),
    'network.protocol.version': version,
    ...serverAttributes(host),
    'user_agent.original': userAgent,
    'client.address': client,
  })
}

/** Whom a client calls. */
export interface CalledPlace {
  /** `10.0.0.7:50051`, `unix:/path` */
  readonly address: string
  /** What the address was found for, where that is not itself: `user.example.com:443`. */
  readonly authority?: string
  /** Whether the address is one of several that come and go. @defaultValue false */
  readonly isOneOfSeveral?: boolean
}

/** A route as a client calls it. */
export interface HttpClientFacts {
  readonly method: string
  /** As that of a server. */
  readonly route: string
  readonly place: CalledPlace
}

/** Attempts that go out over HTTP. */
export function httpClientConvention({ method, route, place }: HttpClientFacts): CallConvention {
  return {
    spanName: `${method} ${route}`,
    kind: SpanKind.CLIENT,
    runsHandler: false,
    ...placed({ 'http.request.method': method, 'url.template': route }, place),
    duration: 'http.client.request.duration',
    sizes: { request: 'http.client.request.body.size', response: 'http.client.response.body.size' },
    outcomeOf: (error) => outcome({}, error),
  }
}

/** A request that goes out. */
export interface HttpSentFacts {
  readonly url: string
  /** How often it went out before. */
  readonly resendCount: number | undefined
}

/** Of its span. */
export function httpSentAttributes({ url, resendCount = 0 }: HttpSentFacts): Attributes {
  const full = { 'url.full': withoutValues(url) }
  return resendCount === 0 ? full : { ...full, 'http.request.resend_count': resendCount }
}

/** Of an attempt that was answered. */
export function httpAnsweredAttributes(status: number): Attributes {
  return { 'http.response.status_code': status }
}

/** Calls that come over gRPC. @param method `shop.v1.UserService/GetUser` */
export function grpcServerConvention(method: string): CallConvention {
  const attributes = grpcAttributes(method)
  return {
    spanName: method,
    kind: SpanKind.SERVER,
    runsHandler: true,
    attributes,
    duration: 'rpc.server.call.duration',
    sizes: { request: 'tenon.rpc.server.request.size', response: 'tenon.rpc.server.response.size' },
    active: activeCalls('grpc', method),
    outcomeOf: (error) =>
      outcome(grpcStatus(error), error !== undefined && serverFaults.has(error.code) ? error : undefined),
  }
}

/** Of the span of a call that came. @param peer `10.0.0.7:41234`, `[::1]:41234` */
export function peerAttributes(peer: string): Attributes {
  const { host, port } = toHostAndPort(peer)
  return given({ 'network.peer.address': host, 'network.peer.port': port })
}

/** A method as a client calls it. */
export interface GrpcClientFacts {
  /** `shop.v1.UserService/GetUser` */
  readonly method: string
  readonly place: CalledPlace
}

/** Attempts that go out over gRPC. */
export function grpcClientConvention({ method, place }: GrpcClientFacts): CallConvention {
  return {
    spanName: method,
    kind: SpanKind.CLIENT,
    runsHandler: false,
    ...placed(grpcAttributes(method), place),
    duration: 'rpc.client.call.duration',
    sizes: { request: 'tenon.rpc.client.request.size', response: 'tenon.rpc.client.response.size' },
    outcomeOf: (error) => outcome(grpcStatus(error), error),
  }
}

/** Where messages come from. */
export interface ProcessFacts extends SendFacts {
  /** Undefined for a broadcast. */
  readonly group: string | undefined
}

/** Messages on their way through their handler. */
export function processConvention({ system, topic, group }: ProcessFacts): CallConvention {
  return {
    spanName: `process ${topic}`,
    kind: SpanKind.CONSUMER,
    runsHandler: true,
    attributes: given({
      ...messagingAttributes('process', { system, topic }),
      'messaging.consumer.group.name': group,
    }),
    duration: 'messaging.process.duration',
    sizes: { request: 'tenon.messaging.process.body.size' },
    active: activeCalls('queue', topic),
    outcomeOf: (error) => outcome({}, error),
  }
}

/** Where a message stood, and what it says of itself. */
export interface MessageFacts extends Pick<SendFacts, 'system'> {
  readonly id: string | undefined
  readonly partition: number
  readonly offset: number
}

/** Of the span of a message that came. */
export function messageAttributes({ system, id, partition, offset }: MessageFacts): Attributes {
  return given({
    'messaging.message.id': id,
    'messaging.destination.partition.id': String(partition),
    'kafka.offset': system === 'kafka' ? offset : undefined,
  })
}

/** Of the span of several messages that are handled in one call. */
export function batchAttributes(messageCount: number): Attributes {
  return { 'messaging.batch.message_count': messageCount }
}

/** Where messages go. */
export interface SendFacts {
  /** `kafka` */
  readonly system: string
  readonly topic: string
}

/** Messages on their way to a broker. */
export function sendConvention(facts: SendFacts): CallConvention {
  return {
    spanName: `send ${facts.topic}`,
    kind: SpanKind.PRODUCER,
    runsHandler: false,
    attributes: messagingAttributes('send', facts),
    duration: 'messaging.client.operation.duration',
    sizes: { request: 'tenon.messaging.send.body.size' },
    outcomeOf: (error) => outcome({}, error),
  }
}

/** Of the span of a message that goes out. */
export function sentMessageAttributes(id: string): Attributes {
  return { 'messaging.message.id': id }
}

/** Calls that come over a transport which no convention is about. */
export function operationConvention(transport: string, operation: string): CallConvention {
  return {
    spanName: operation,
    kind: SpanKind.SERVER,
    runsHandler: true,
    attributes: callAttributes(transport, operation),
    active: activeCalls(transport, operation),
    outcomeOf: (error) => outcome({}, error !== undefined && serverFaults.has(error.code) ? error : undefined),
  }
}

/** One call of a client, whatever number of attempts it has. */
export function logicalCallConvention(operation: string): CallConvention {
  return {
    spanName: operation,
    kind: SpanKind.INTERNAL,
    runsHandler: false,
    attributes: { 'tenon.call.operation': operation },
    outcomeOf: (error) => outcome({}, error),
  }
}

/** Attempts that go out over such a transport. */
export function attemptConvention(
  transport: string,
  { operation, place }: { readonly operation: string; readonly place: CalledPlace },
): CallConvention {
  return {
    spanName: operation,
    kind: SpanKind.CLIENT,
    runsHandler: false,
    ...placed(callAttributes(transport, operation), place),
    outcomeOf: (error) => outcome({}, error),
  }
}

/** Runs of a schedule. */
export function scheduleConvention(schedule: string): CallConvention {
  return {
    spanName: `schedule ${schedule}`,
    kind: SpanKind.INTERNAL,
    runsHandler: true,
    attributes: { 'tenon.schedule.name': schedule },
    outcomeOf: (error) => outcome({}, error),
  }
}

/** A statement that a client of a database runs. */
export interface QueryFacts {
  /** As the conventions call the database: `postgresql`, `sqlite`. */
  readonly system: string
  /** The database's own name. */
  readonly namespace: string | undefined
  /** Where the database is, `host:port`; undefined for a file. */
  readonly address: string | undefined
  /** `SELECT`; undefined where nobody knows without reading the statement. */
  readonly operation: string | undefined
  /** The tables it is about, in their order. */
  readonly tables: readonly string[]
}

/** Statements on their way to a database and back. */
export function queryConvention({ system, namespace, address, operation, tables }: QueryFacts): CallConvention {
  const summary = operation === undefined ? undefined : [operation, ...tables].join(' ')
  return {
    spanName: summary ?? namespace ?? system,
    kind: SpanKind.CLIENT,
    runsHandler: false,
    isOnlyPart: true,
    attributes: given({
      'db.system.name': system,
      'db.namespace': namespace,
      'db.operation.name': operation,
      'db.collection.name': tables.length === 1 ? tables[0] : undefined,
      'db.query.summary': summary,
      ...serverAttributes(address),
    }),
    duration: 'db.client.operation.duration',
    outcomeOf: (error) => ({ attributes: {}, isError: error !== undefined }),
  }
}

/** Of the span of a statement. @param text Without values. */
export function queryTextAttributes(text: string): Attributes {
  return { 'db.query.text': text }
}

/** Of a statement that failed. @param statusCode The database's own code of few values, such as `23505`; undefined where there is none. */
export function failedQueryAttributes(statusCode: string | undefined): Attributes {
  if (statusCode === undefined) return { 'error.type': '_OTHER' }
  return { 'error.type': statusCode, 'db.response.status_code': statusCode }
}

/**
 * Codes that are the server's own fault.
 *
 * @see OpenTelemetry semantic conventions, gRPC: status of server spans
 */
const serverFaults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unknown',
  'deadline_exceeded',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
])

function outcome(attributes: Attributes, error: ServiceError | undefined): CallOutcome {
  if (error === undefined) return { attributes, isError: false }
  return { attributes: { ...attributes, 'error.type': error.code }, isError: true }
}

function grpcAttributes(method: string): Attributes {
  return { 'rpc.system.name': 'grpc', 'rpc.method': method }
}

function grpcStatus(error: ServiceError | undefined): Attributes {
  return { 'rpc.status_code': error === undefined ? 'OK' : error.code.toUpperCase() }
}

function messagingAttributes(operation: 'send' | 'process', { system, topic }: SendFacts): Attributes {
  return {
    'messaging.system.name': system,
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': topic,
  }
}

function callAttributes(transport: string, operation: string): Attributes {
  return { 'tenon.call.transport': transport, 'tenon.call.operation': operation }
}

function activeCalls(transport: string, operation: string): ActiveCalls {
  return { metric: 'tenon.server.active_calls', attributes: callAttributes(transport, operation) }
}

/** Addresses that come and go are too many for metrics; what they were found for is not. */
function placed(
  attributes: Attributes,
  { address, authority, isOneOfSeveral = false }: CalledPlace,
): Pick<CallConvention, 'attributes' | 'spanAttributes'> {
  const spanAttributes = authority === undefined ? serverAttributes(address) : peerAttributes(address)
  if (authority !== undefined) return { attributes: { ...attributes, ...serverAttributes(authority) }, spanAttributes }
  return isOneOfSeveral ? { attributes, spanAttributes } : { attributes: { ...attributes, ...spanAttributes } }
}

function serverAttributes(address: string | undefined): Attributes {
  if (address === undefined) return {}
  const { host, port } = toHostAndPort(address)
  return given({ 'server.address': host, 'server.port': port })
}

function urlAttributes(target: string): Attributes {
  const [path, query] = withoutValues(target).split('?')
  return { 'url.path': path, 'url.query': query }
}

/** Values of a query may be secrets, and nobody here knows which. @see the conventions of `url.query`: what is redacted is `REDACTED` */
function withoutValues(target: string): string {
  const start = target.indexOf('?')
  if (start === -1) return target
  return target.slice(0, start) + target.slice(start).replace(/=[^&]*/g, '=REDACTED')
}

function toHostAndPort(address: string): { readonly host: string; readonly port: number | undefined } {
  if (address.startsWith('unix:')) return { host: address.slice('unix:'.length), port: undefined }
  const [, v6, host, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(address) ?? []
  return { host: v6 ?? host ?? address, port: port === undefined ? undefined : Number(port) }
}

/** Without those that nobody said. */
function given(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}
