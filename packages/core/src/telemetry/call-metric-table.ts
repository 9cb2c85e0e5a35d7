/** A metric of calls, as its users see it. */
export interface CallMetricRow {
  readonly instrument: 'histogram' | 'updowncounter'
  /** As UCUM writes it, what is counted in braces. */
  readonly unit: string
  readonly description: string
  /** What it is told apart by: the names of its attributes, and what each says. All values come from a bounded set. */
  readonly attributes: Readonly<Record<string, string>>
  /** Upper bounds of the buckets of a histogram, in its unit. */
  readonly boundaries?: readonly number[]
}

type CallMetricTable = typeof callMetricTable

/** The name of a metric of calls that has this instrument. */
export type CallMetricName<Instrument extends CallMetricRow['instrument']> = {
  readonly [Name in keyof CallMetricTable]: CallMetricTable[Name]['instrument'] extends Instrument ? Name : never
}[keyof CallMetricTable]

/** @see OpenTelemetry semantic conventions: the boundaries that they recommend for durations of HTTP, RPC and messaging */
const callSeconds = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])

const failed = 'the code, where the call failed'
const method = 'the method of the request'
const status = 'what was answered'
const server = 'who is called, where that is one address or a name of DNS; addresses that come and go are too many'
const rpcMethod = 'the full name: `shop.v1.UserService/GetUser`'
const topic = 'the topic'

/** The metrics of calls, by their names. Nothing is measured without an OpenTelemetry SDK. */
export const callMetricTable = Object.freeze({
  'http.server.request.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a call over HTTP took, from its arrival to its outcome.',
    attributes: {
      'http.request.method': method,
      'http.route': 'the template of the path: `/users/:userId`',
      'url.scheme': '`http`, `https`',
      'http.response.status_code': status,
      'error.type': failed,
    },
    boundaries: callSeconds,
  },
  'http.server.active_requests': {
    instrument: 'updowncounter',
    unit: '{request}',
    description: 'How many calls over HTTP run.',
    attributes: { 'http.request.method': method, 'url.scheme': '`http`, `https`' },
  },
  'http.client.request.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long an attempt over HTTP took.',
    attributes: {
      'http.request.method': method,
      'url.template': 'the template of the path: `/users/:userId`',
      'http.response.status_code': status,
      'server.address': server,
      'server.port': server,
      'error.type': failed,
    },
    boundaries: callSeconds,
  },
  'rpc.server.call.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a call over gRPC took, from its arrival to its outcome.',
    attributes: {
      'rpc.system.name': '`grpc`',
      'rpc.method': rpcMethod,
      'rpc.status_code': '`OK`, `NOT_FOUND`',
      'error.type': failed,
    },
    boundaries: callSeconds,
  },
  'rpc.client.call.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long an attempt over gRPC took.',
    attributes: {
      'rpc.system.name': '`grpc`',
      'rpc.method': rpcMethod,
      'rpc.status_code': '`OK`, `NOT_FOUND`',
      'server.address': server,
      'server.port': server,
      'error.type': failed,
    },
    boundaries: callSeconds,
  },
  'messaging.client.operation.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long it took until a message was taken by the broker.',
    attributes: {
      'messaging.system.name': 'the broker: `kafka`',
      'messaging.operation.name': '`send`',
      'messaging.operation.type': '`send`',
      'messaging.destination.name': topic,
      'error.type': failed,
    },
    boundaries: callSeconds,
  },
  'messaging.process.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a message, or several at once, took in their handler.',
    attributes: {
      'messaging.system.name': 'the broker: `kafka`',
      'messaging.operation.name': '`process`',
      'messaging.operation.type': '`process`',
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': 'the group, where there is one',
      'error.type': failed,
    },
    boundaries: callSeconds,
  },
  'tenon.server.active_calls': {
    instrument: 'updowncounter',
    unit: '{call}',
    description: 'How many calls run that do not come over HTTP.',
    attributes: {
      'tenon.call.transport': 'the name of the transport',
      'tenon.call.operation': 'the method of gRPC, the topic, or the operation',
    },
  },
} as const satisfies Readonly<Record<string, CallMetricRow>>)
