/** A metric, as its users see it. */
export interface MetricRow {
  readonly instrument: InstrumentKind
  /** As UCUM writes it; what is counted stands in braces. */
  readonly unit: string
  readonly description: string
  /** What it is told apart by: the name of each attribute, and what it says. Each has few values, whatever comes from outside. */
  readonly attributes: Readonly<Record<string, string>>
  /** The upper bounds of the buckets of a histogram, in its unit. */
  readonly boundaries?: readonly number[]
}

/** What measures. */
export type InstrumentKind = 'counter' | 'up-down counter' | 'gauge' | 'histogram' | ObservableKind

/** What is asked for its values whenever the SDK collects them. */
export type ObservableKind = 'observable counter' | 'observable gauge' | 'observable up-down counter'

/** A guess: from what is done at once to what takes minutes, as starts, stops and runs of schedules do. In seconds. */
const longSeconds = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300])

/** @see OpenTelemetry semantic conventions for V8: the boundaries of `v8js.gc.duration` */
const collectionSeconds = Object.freeze([0.01, 0.1, 1, 10])

/** @see OpenTelemetry semantic conventions: the boundaries that they recommend for durations of HTTP, RPC and messaging */
const callSeconds = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])

/** @see OpenTelemetry semantic conventions: the boundaries of `db.client.operation.duration` */
const querySeconds = Object.freeze([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])

/** As gRPC has them, with 256 more for what is small. @see gRFC A66: buckets of message sizes, up to what a service of ours takes */
const sizeBytes = Object.freeze([
  0, 256, 1_024, 2_048, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
])

const failed = 'the code, where the call failed'
const method = 'the method of the request'
const status = 'what was answered'
const server = 'who is called, where that is one address or a name of DNS; addresses that come and go are too many'
const rpcMethod = 'the full name: `shop.v1.UserService/GetUser`'
const topic = 'the topic'

const service = 'name of the service'
const contract = 'name of the contract'
const messaging = {
  'messaging.system.name': '`kafka`, or `memory`, `sqlite`',
  'messaging.destination.name': 'name of the topic',
}
const consumed = { ...messaging, 'messaging.consumer.group.name': 'name of the group; none of a broadcast' }
const consumer = { 'tenon.service': service, ...consumed }
const heapSpace = { 'v8js.heap.space.name': 'name of the space, such as `old_space`' }
const instance = {
  'tenon.client.contract': contract,
  'tenon.client.address': '`host:port` of the instance, for the first 1,000 of a process',
  'otel.metric.overflow': '`true`, for all others',
}
const httpServed = {
  'http.request.method': method,
  'http.route': 'the template of the path: `/users/:userId`',
  'url.scheme': '`http`, `https`',
  'http.response.status_code': status,
  'error.type': failed,
}
const httpCalled = {
  'http.request.method': method,
  'url.template': 'the template of the path: `/users/:userId`',
  'http.response.status_code': status,
  'server.address': server,
  'server.port': server,
  'error.type': failed,
}
const rpcServed = {
  'rpc.system.name': '`grpc`',
  'rpc.method': rpcMethod,
  'rpc.status_code': '`OK`, `NOT_FOUND`',
  'error.type': failed,
}
const rpcCalled = {
  'rpc.system.name': '`grpc`',
  'rpc.method': rpcMethod,
  'rpc.status_code': '`OK`, `NOT_FOUND`',
  'server.address': server,
  'server.port': server,
  'error.type': failed,
}
const messageSent = {
  'messaging.system.name': 'the broker: `kafka`',
  'messaging.operation.name': '`send`',
  'messaging.operation.type': '`send`',
  'messaging.destination.name': topic,
  'error.type': failed,
}
const messageHandled = {
  'messaging.system.name': 'the broker: `kafka`',
  'messaging.operation.name': '`process`',
  'messaging.operation.type': '`process`',
  'messaging.destination.name': topic,
  'messaging.consumer.group.name': 'the group, where there is one',
  'error.type': failed,
}

/**
 * All metrics of Tenon by their names, which are promises to whoever has made a dashboard of them. `docs/metric.md` is made of it, and so is
 * every instrument (`instrument`).
 *
 * @see OpenTelemetry semantic conventions: durations are in seconds, `error.type` says that and how something failed
 */
export const metricTable = Object.freeze({
  'tenon.lifecycle.phase.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a phase of a start or a stop took.',
    attributes: {
      'tenon.service': service,
      'tenon.lifecycle.stage': '`start`, `stop`',
      'tenon.lifecycle.phase': 'its name',
      'error.type': 'name of the error, where it failed',
    },
    boundaries: longSeconds,
  },
  'tenon.schedule.run.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a run of a schedule took.',
    attributes: {
      'tenon.service': service,
      'tenon.schedule.name': 'its name',
      'error.type': 'the code, where it failed',
    },
    boundaries: longSeconds,
  },
  'tenon.schedule.omitted_runs': {
    instrument: 'counter',
    unit: '{run}',
    description: 'Moments of a schedule at which nothing was run.',
    attributes: {
      'tenon.service': service,
      'tenon.schedule.name': 'its name',
      'tenon.schedule.reason': '`overlap`, `missed`',
    },
  },
  'tenon.task.restarts': {
    instrument: 'counter',
    unit: '{restart}',
    description: 'How often a background task was begun again.',
    attributes: { 'tenon.service': service, 'tenon.task.name': 'its name' },
  },
  'tenon.config.refused_values': {
    instrument: 'counter',
    unit: '{value}',
    description: 'New values of settings that could not be used, so that the last good ones stayed in force.',
    attributes: { 'tenon.service': service, 'tenon.config.variable': 'name of the variable' },
  },
  'tenon.client.decisions': {
    instrument: 'counter',
    unit: '{decision}',
    description: 'What policies of clients decided beside sending a call.',
    attributes: {
      'tenon.client.contract': contract,
      'tenon.client.operation': 'name of the operation, where it concerns one',
      'tenon.client.decision': 'a word of the tables of `@tenon/core`',
      'error.type': 'the code that led to it',
    },
  },
  'tenon.client.picks': {
    instrument: 'counter',
    unit: '{call}',
    description: 'Calls that were given to an instance.',
    attributes: instance,
  },
  'tenon.client.passed_over_calls': {
    instrument: 'counter',
    unit: '{call}',
    description: 'Calls that the breaker of an instance refused, and another instance was given.',
    attributes: instance,
  },
  'tenon.client.open_breakers': {
    instrument: 'up-down counter',
    unit: '{breaker}',
    description: 'Breakers that have refused calls of late, of instances or, without an address, of all of them.',
    attributes: instance,
  },
  'tenon.client.returns': {
    instrument: 'counter',
    unit: '{return}',
    description: 'Instances that were taken in again after an ejection.',
    attributes: instance,
  },
  'tenon.client.ejections': {
    instrument: 'counter',
    unit: '{ejection}',
    description: 'Instances that were taken out as they failed calls.',
    attributes: {
      ...instance,
      'tenon.client.reason': '`consecutive_failures`, `success_rate`',
    },
  },
  'tenon.client.channels': {
    instrument: 'observable gauge',
    unit: '{channel}',
    description: 'How many instances of a service a client has channels to: connections, or pools of them.',
    attributes: {
      'tenon.service': service,
      'tenon.client.contract': contract,
      'tenon.client.channel.state': '`idle`, `connecting`, `ready`, `failing`',
    },
  },
  'tenon.client.connections': {
    instrument: 'observable gauge',
    unit: '{connection}',
    description: 'How many connections of a client are open.',
    attributes: {
      'tenon.service': service,
      'tenon.client.contract': contract,
      'tenon.client.connection.state': '`active` with a call, `idle` without',
    },
  },
  'tenon.client.waiting_calls': {
    instrument: 'observable gauge',
    unit: '{call}',
    description: 'How many calls of a client wait for a connection.',
    attributes: { 'tenon.service': service, 'tenon.client.contract': contract },
  },
  'tenon.overload.refused_calls': {
    instrument: 'counter',
    unit: '{call}',
    description: 'Calls that were refused because of an overload.',
    attributes: {
      'tenon.service': service,
      'tenon.call.criticality': '`critical_plus`, `critical`, `sheddable_plus`, `sheddable`',
    },
  },
  'tenon.overload.concurrency_limit': {
    instrument: 'gauge',
    unit: '{call}',
    description: 'How many calls may run at a time.',
    attributes: { 'tenon.service': service },
  },
  'tenon.overload.waiting_calls': {
    instrument: 'gauge',
    unit: '{call}',
    description: 'How many calls wait to begin.',
    attributes: { 'tenon.service': service },
  },
  'tenon.overload.pressure': {
    instrument: 'gauge',
    unit: '1',
    description: 'Whether consumers begin nothing because calls wait or are refused: 1 while so, else 0.',
    attributes: { 'tenon.service': service },
  },
  'messaging.client.sent.messages': {
    instrument: 'counter',
    unit: '{message}',
    description: 'Messages that were sent to the broker, whether it stored them or not.',
    attributes: {
      ...messaging,
      'messaging.operation.name': '`send`',
      'error.type': 'the code, where it did not',
    },
  },
  'tenon.queue.retries': {
    instrument: 'counter',
    unit: '{retry}',
    description: 'Messages that failed and are handled again.',
    attributes: { ...consumed, 'error.type': 'the code they failed with' },
  },
  'tenon.queue.dead_letters': {
    instrument: 'counter',
    unit: '{message}',
    description: 'Messages that were stored as dead letters.',
    attributes: { ...consumed, 'error.type': 'the code they failed with' },
  },
  'tenon.queue.skipped_messages': {
    instrument: 'counter',
    unit: '{message}',
    description:
      'Messages that failed for good and were passed over, as their consumer says, or as nobody keeps those of a broadcast.',
    attributes: { ...consumed, 'error.type': 'the code they failed with' },
  },
  'tenon.queue.lag': {
    instrument: 'observable gauge',
    unit: '{message}',
    description:
      'Messages of a whole topic that a group has not committed, whoever owns their partitions; of a broadcast those that this process has not handled. The last that is known where the broker does not answer.',
    attributes: consumer,
  },
  'tenon.queue.oldest_message.age': {
    instrument: 'observable gauge',
    unit: 's',
    description:
      'Age of the oldest message that this process has taken and not come to an outcome with; 0 without one.',
    attributes: consumer,
  },
  'tenon.queue.parked_messages': {
    instrument: 'observable gauge',
    unit: '{message}',
    description: 'Messages that this process has set aside in the retry topic.',
    attributes: consumer,
  },
  'tenon.queue.halted_messages': {
    instrument: 'observable gauge',
    unit: '{message}',
    description: 'Messages that this process has halted: what waits behind each waits until it is given attempts anew.',
    attributes: consumer,
  },
  'tenon.queue.stalled_partitions': {
    instrument: 'observable gauge',
    unit: '{partition}',
    description: 'Partitions of this process that stand still though the broker answers.',
    attributes: consumer,
  },
  'nodejs.eventloop.delay.min': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The shortest delay of the event loop since it was last asked for.',
    attributes: {},
  },
  'nodejs.eventloop.delay.max': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The longest delay of the event loop since it was last asked for.',
    attributes: {},
  },
  'nodejs.eventloop.delay.mean': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The mean delay of the event loop since it was last asked for.',
    attributes: {},
  },
  'nodejs.eventloop.delay.stddev': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The standard deviation of the delay of the event loop since it was last asked for.',
    attributes: {},
  },
  'nodejs.eventloop.delay.p50': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The delay of the event loop that half of the samples do not exceed.',
    attributes: {},
  },
  'nodejs.eventloop.delay.p90': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The delay of the event loop that nine in ten samples do not exceed.',
    attributes: {},
  },
  'nodejs.eventloop.delay.p99': {
    instrument: 'observable gauge',
    unit: 's',
    description: 'The delay of the event loop that 99 of 100 samples do not exceed.',
    attributes: {},
  },
  'nodejs.eventloop.time': {
    instrument: 'observable counter',
    unit: 's',
    description: 'How long the event loop was in each state.',
    attributes: { 'nodejs.eventloop.state': '`active`, `idle`' },
  },
  'nodejs.eventloop.utilization': {
    instrument: 'observable gauge',
    unit: '1',
    description: 'The part of the time that the event loop was active since it was last asked for, from 0 to 1.',
    attributes: {},
  },
  'v8js.gc.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a collection of garbage took.',
    attributes: { 'v8js.gc.type': '`major`, `minor`, `incremental`, `weakcb`' },
    boundaries: collectionSeconds,
  },
  'v8js.memory.heap.used': {
    instrument: 'observable up-down counter',
    unit: 'By',
    description: 'How much of a space of the heap is used.',
    attributes: heapSpace,
  },
  'v8js.memory.heap.space.size': {
    instrument: 'observable up-down counter',
    unit: 'By',
    description: 'The size of a space of the heap.',
    attributes: heapSpace,
  },
  'v8js.memory.heap.space.available_size': {
    instrument: 'observable up-down counter',
    unit: 'By',
    description: 'How much of a space of the heap is free.',
    attributes: heapSpace,
  },
  'v8js.memory.heap.space.physical_size': {
    instrument: 'observable up-down counter',
    unit: 'By',
    description: 'How much memory a space of the heap takes.',
    attributes: heapSpace,
  },
  'tenon.runtime.heap_limit': {
    instrument: 'observable gauge',
    unit: 'By',
    description: 'The size at which the heap is full and the process ends.',
    attributes: {},
  },
  'http.server.request.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a call over HTTP took, from its arrival to its outcome.',
    attributes: httpServed,
    boundaries: callSeconds,
  },
  'http.server.active_requests': {
    instrument: 'observable up-down counter',
    unit: '{request}',
    description: 'How many calls over HTTP run.',
    attributes: { 'http.request.method': method, 'url.scheme': '`http`, `https`' },
  },
  'http.server.request.body.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of a request body, as it came.',
    attributes: httpServed,
    boundaries: sizeBytes,
  },
  'http.server.response.body.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of a reply body, as it was sent.',
    attributes: httpServed,
    boundaries: sizeBytes,
  },
  'http.client.request.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long an attempt over HTTP took.',
    attributes: httpCalled,
    boundaries: callSeconds,
  },
  'http.client.request.body.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of a request body of an attempt.',
    attributes: httpCalled,
    boundaries: sizeBytes,
  },
  'http.client.response.body.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of a reply body, as far as it was read.',
    attributes: httpCalled,
    boundaries: sizeBytes,
  },
  'rpc.server.call.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a call over gRPC took, from its arrival to its outcome.',
    attributes: rpcServed,
    boundaries: callSeconds,
  },
  'tenon.rpc.server.request.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of all messages that came with a call, uncompressed.',
    attributes: rpcServed,
    boundaries: sizeBytes,
  },
  'tenon.rpc.server.response.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of all messages that a call was answered with, uncompressed.',
    attributes: rpcServed,
    boundaries: sizeBytes,
  },
  'rpc.client.call.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long an attempt over gRPC took.',
    attributes: rpcCalled,
    boundaries: callSeconds,
  },
  'tenon.rpc.client.request.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of all messages of an attempt, uncompressed.',
    attributes: rpcCalled,
    boundaries: sizeBytes,
  },
  'tenon.rpc.client.response.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of all messages that an attempt was answered with, uncompressed.',
    attributes: rpcCalled,
    boundaries: sizeBytes,
  },
  'messaging.client.operation.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long it took until a message was taken by the broker.',
    attributes: messageSent,
    boundaries: callSeconds,
  },
  'tenon.messaging.send.body.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of the body of a message that went out.',
    attributes: messageSent,
    boundaries: sizeBytes,
  },
  'messaging.process.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a message, or several at once, took in their handler.',
    attributes: messageHandled,
    boundaries: callSeconds,
  },
  'tenon.messaging.process.body.size': {
    instrument: 'histogram',
    unit: 'By',
    description: 'The size of the body of a message that its handler was given, or of those of several at once.',
    attributes: messageHandled,
    boundaries: sizeBytes,
  },
  'db.client.operation.duration': {
    instrument: 'histogram',
    unit: 's',
    description: 'How long a statement of a database took; of a stream of rows until its last one.',
    attributes: {
      'db.system.name': 'the database: `postgresql`, `sqlite`',
      'db.namespace': 'its own name',
      'db.operation.name': '`SELECT`; none of a statement that is text',
      'db.collection.name': 'the table, where it is one',
      'db.query.summary': '`SELECT orders`, for the first 1,000 of a database',
      'db.response.status_code': 'the code of the database, where the statement failed: `23505`',
      'server.address': 'where the database is',
      'server.port': 'where the database is',
      'error.type': 'the same code, or `_OTHER`, where the statement failed',
    },
    boundaries: querySeconds,
  },
  'tenon.server.active_calls': {
    instrument: 'observable up-down counter',
    unit: '{call}',
    description: 'How many calls run that do not come over HTTP.',
    attributes: {
      'tenon.call.transport': 'the name of the transport',
      'tenon.call.operation': 'the method of gRPC, the topic, or the operation',
    },
  },
} as const satisfies Readonly<Record<string, MetricRow>>)
