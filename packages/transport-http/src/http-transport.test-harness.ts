import { connect } from 'node:net'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { type Arrival, type Outcome, ServiceError, type TransportHost } from '@tenon/core/transport'
import { Type } from 'typebox'
import { type HttpOptions, httpTransport } from './index.ts'

const userId = Type.String()
const input = Type.Object({ userId })
const nothing = Type.Object({})
const output = Type.Unknown()

export const users = contract('demo.v1.Users', {
  getUser: { input, output, http: 'GET /v1/users/:userId' },
  putUser: { input, output, http: 'PUT /v1/users/:userId' },
  createUser: { input: nothing, output, http: { route: 'POST /v1/users', status: 201 } },
  cancelUser: { input, output, http: 'POST /v1/users/:userId:cancel' },
  watchUsers: { input: nothing, output: stream(nothing), http: 'GET /v1/users:watch' },
  removeUser: { input, output },
})

export type Handle = (arrival: Arrival) => Outcome | Promise<Outcome>
/** What answers an operation, by its name. */
type Handlers = Readonly<Record<string, Handle>>

export const succeed = (value: unknown, headers?: Record<string, string>): Outcome => ({
  ok: true,
  value,
  callId: 'call-1',
  headers,
})
export const fail = (error: ServiceError): Outcome => ({ ok: false, error, callId: 'call-1', headers: undefined })

/** Does what the dispatcher does of interest here: decodes when it likes, and never rejects. */
export const echo: Handle = (arrival) => {
  try {
    return succeed(arrival.decode())
  } catch (error) {
    if (ServiceError.is(error)) return fail(error)
    throw error
  }
}

/** A host whose operations are answered by the handlers, or with their own input. */
export function hostOf(handlers: Handlers, logged: object[], served = users as Contract): TransportHost {
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: object) => void logged.push(fields),
    child: () => log,
  }
  const operations = contractInfo(served).operations.map((operation) => ({
    operation,
    dispatch: async (arrival: Arrival) => (handlers[operation.name] ?? echo)(arrival),
  }))
  const service = { name: 'demo', version: '1', instanceId: 'demo-1' }
  return { service, operations, events: [], defaultHost: '127.0.0.1', log, fail: () => undefined }
}

export async function serve(handlers: Handlers = {}, options: HttpOptions = {}, served = users as Contract) {
  const logged: object[] = []
  const server = httpTransport({ port: 0, ...options }).bind(hostOf(handlers, logged, served))
  const [address] = await server.listen()
  const port = address?.port ?? 0
  return { server, port, url: `http://127.0.0.1:${port}`, logged, [Symbol.asyncDispose]: () => server.close() }
}

export const jsonOf = async (reply: Response): Promise<unknown> => reply.json()
export const json = (body: unknown, method = 'POST'): RequestInit => ({
  method,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
})

/** Everything a server says on one connection until it closes it. */
export async function talk(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(text)
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}
