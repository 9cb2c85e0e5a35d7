import type { ProbeReply } from '../../transport/probe.ts'

/** What the admin server answers beside its probes, for who may see details: with the token of `admin.token`, where there is one. */
export interface AdminRoute {
  /** Such as `/metrics`: what stands before the question mark. */
  readonly path: string
  /** Any other is answered 405. HEAD is answered as GET, without the body. */
  readonly methods: readonly ('GET' | 'PUT')[]
  /** What it throws is answered 500 with its message. */
  answer(request: AdminRequest): ProbeReply | Promise<ProbeReply>
}

/** A request for a route. */
export interface AdminRequest {
  readonly method: 'GET' | 'PUT'
  readonly query: URLSearchParams
  /** Undefined for none. */
  readonly accept: string | undefined
  /** Whether it has shown the token; false too where there is none to show. */
  readonly hasToken: boolean
}
