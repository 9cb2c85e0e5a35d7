import type { ServiceDescription } from '@tenon/core'
import type { ShownMetric } from './prometheus-name.ts'
import type { Labels } from './promql.ts'

/** A way in which a service is called. */
export interface CallKind {
  /** For titles: `HTTP`. */
  readonly title: string
  readonly duration: ShownMetric
  /** By which its operations are told apart. */
  readonly labels: Labels
  /** Whether somebody waits for the answer, so that an error is one of the service's objective. */
  readonly isAnswered: boolean
}

/** Those of a service, by what it is made of. */
export function callKindsOf({ transports, consumers, operations }: ServiceDescription): readonly CallKind[] {
  const protocols = new Set(transports.flatMap(({ listensAt = [] }) => listensAt.map(({ protocol }) => protocol)))
  const hasMessages = consumers.length > 0 || operations.some(({ command }) => command !== undefined)
  return [
    ...(protocols.has('http') || protocols.has('https') ? [kinds.http] : []),
    ...(protocols.has('grpc') || protocols.has('grpcs') ? [kinds.grpc] : []),
    ...(hasMessages ? [kinds.messages] : []),
  ]
}

/** What tells of an error that is the service's own fault, in the series of all three. */
export const failed = 'error_type!=""'

const kinds = {
  http: {
    title: 'HTTP',
    duration: 'http.server.request.duration',
    labels: ['http_request_method', 'http_route'],
    isAnswered: true,
  },
  grpc: { title: 'gRPC', duration: 'rpc.server.call.duration', labels: ['rpc_method'], isAnswered: true },
  messages: {
    title: 'Messages',
    duration: 'messaging.process.duration',
    labels: ['messaging_destination_name'],
    isAnswered: false,
  },
} as const satisfies Readonly<Record<string, CallKind>>
