import { type Given, message, type Message, type Received } from './message-codec.ts'

/** What a message is once it has arrived. */
export type Arrived<M> = M extends Message<infer F> ? Received<F> : never

/** A method of etcd: its path, what it is asked with and what it answers. */
export interface Method<Request extends Message = Message, Response extends Message = Message> {
  readonly path: string
  readonly request: Request
  readonly response: Response
}

export type RequestOf<M extends Method> = M['request'] extends Message<infer F> ? Given<F> : never
export type ResponseOf<M extends Method> = Arrived<M['response']>

/*
 * The part of etcd's messages that is used here, with its field numbers, which are fixed for good. Fields of answers that nobody reads are left out.
 * @see etcd v3.6, api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto
 */

export const responseHeader = message({ revision: [3, 'int64'] })

export const keyValue = message({
  key: [1, 'bytes'],
  modRevision: [3, 'int64'],
  value: [5, 'bytes'],
  lease: [6, 'int64'],
})

export const event = message({ type: [1, 'enum'], kv: [2, keyValue] })

/** @see kv.proto, Event.EventType */
export const eventType = { put: 0, delete: 1 } as const

export const rangeRequest = message({ key: [1, 'bytes'], rangeEnd: [2, 'bytes'] })
export const rangeResponse = message({ header: [1, responseHeader], kvs: [2, keyValue, 'repeated'] })

export const putRequest = message({ key: [1, 'bytes'], value: [2, 'bytes'], lease: [3, 'int64'] })

export const requestOp = message({ requestRange: [1, rangeRequest], requestPut: [2, putRequest] })
export const responseOp = message({ responseRange: [1, rangeResponse] })

export const compare = message({
  result: [1, 'enum'],
  target: [2, 'enum'],
  key: [3, 'bytes'],
  modRevision: [6, 'int64'],
  lease: [8, 'int64'],
})

/** @see rpc.proto, Compare.CompareResult */
export const compareResult = { equal: 0 } as const

/** @see rpc.proto, Compare.CompareTarget */
export const compareTarget = { mod: 2, lease: 4 } as const

export const txnRequest = message({
  compare: [1, compare, 'repeated'],
  success: [2, requestOp, 'repeated'],
  failure: [3, requestOp, 'repeated'],
})
export const txnResponse = message({ succeeded: [2, 'bool'], responses: [3, responseOp, 'repeated'] })

export const watchCreateRequest = message({
  key: [1, 'bytes'],
  rangeEnd: [2, 'bytes'],
  startRevision: [3, 'int64'],
  fragment: [8, 'bool'],
})
export const watchProgressRequest = message({})
export const watchRequest = message({
  createRequest: [1, watchCreateRequest],
  progressRequest: [3, watchProgressRequest],
})
export const watchResponse = message({
  created: [3, 'bool'],
  canceled: [4, 'bool'],
  compactRevision: [5, 'int64'],
  cancelReason: [6, 'string'],
  fragment: [7, 'bool'],
  events: [11, event, 'repeated'],
})

export const leaseGrantRequest = message({ ttl: [1, 'int64'] })
export const leaseGrantResponse = message({ id: [2, 'int64'], ttl: [3, 'int64'], error: [4, 'string'] })
export const leaseRevokeRequest = message({ id: [1, 'int64'] })
export const leaseRevokeResponse = message({})
export const leaseKeepAliveRequest = message({ id: [1, 'int64'] })
export const leaseKeepAliveResponse = message({ id: [2, 'int64'], ttl: [3, 'int64'] })

export const authenticateRequest = message({ name: [1, 'string'], password: [2, 'string'] })
export const authenticateResponse = message({ token: [2, 'string'] })

/** @see rpc.proto, the services KV, Watch, Lease and Auth */
export const methods = {
  range: { path: '/etcdserverpb.KV/Range', request: rangeRequest, response: rangeResponse },
  txn: { path: '/etcdserverpb.KV/Txn', request: txnRequest, response: txnResponse },
  watch: { path: '/etcdserverpb.Watch/Watch', request: watchRequest, response: watchResponse },
  leaseGrant: { path: '/etcdserverpb.Lease/LeaseGrant', request: leaseGrantRequest, response: leaseGrantResponse },
  leaseRevoke: { path: '/etcdserverpb.Lease/LeaseRevoke', request: leaseRevokeRequest, response: leaseRevokeResponse },
  // A stream of etcd, used for one question at a time: on the wire that is a unary call.
  leaseKeepAlive: {
    path: '/etcdserverpb.Lease/LeaseKeepAlive',
    request: leaseKeepAliveRequest,
    response: leaseKeepAliveResponse,
  },
  authenticate: {
    path: '/etcdserverpb.Auth/Authenticate',
    request: authenticateRequest,
    response: authenticateResponse,
  },
} as const
