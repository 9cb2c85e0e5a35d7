import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { eventually } from '@tenon/testing'
import { type Arrived, methods } from './api/etcd-message.ts'
import type { Given } from './api/message-codec.ts'

type Methods = typeof methods
type RequestOf<Name extends keyof Methods> = Arrived<Methods[Name]['request']>
type ResponseOf<Name extends keyof Methods> = Given<Methods[Name]['response']['fields']>

/** What a member says instead of an answer. */
export interface Refused {
  readonly code: number
  readonly details: string
}

type Answers = {
  -readonly [Name in Exclude<keyof Methods, 'watch'>]: (
    request: RequestOf<Name>,
    metadata: Metadata,
  ) => ResponseOf<Name> | Refused
}

/** A member of etcd that says what a test tells it to. */
export class ScriptedEtcd implements AsyncDisposable {
  /** What is answered, for a test to change. */
  readonly answers: Answers = {
    range: () => ({ header: { revision: 1n } }),
    txn: () => ({ succeeded: true }),
    leaseGrant: ({ ttl }) => ({ id: 7n, ttl }),
    leaseRevoke: () => ({}),
    leaseKeepAlive: ({ id }) => ({ id, ttl: 5n }),
    authenticate: () => ({ token: 'token-1' }),
  }
  /** All that it was asked, in order. */
  readonly asked: {
    readonly method: keyof Methods
    readonly request: unknown
    readonly token: unknown
    readonly leader: unknown
  }[] = []
  /** Every watch that was opened. */
  readonly watches: ScriptedWatch[] = []
  readonly #server = new Server()
  port = 0

  static async start(): Promise<ScriptedEtcd> {
    const etcd = new ScriptedEtcd()
    etcd.#server.addService(toDefinition(), etcd.#handlers())
    etcd.port = await new Promise((resolve, reject) =>
      etcd.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    )
    return etcd
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  countOf(method: keyof Methods): number {
    return this.asked.filter((one) => one.method === method).length
  }

  /** A watch, once it is there. */
  watch(index: number): Promise<ScriptedWatch> {
    return eventually(() => this.watches[index] ?? Promise.reject(new Error(`there is no watch ${index}`)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown()
  }

  #handlers(): UntypedServiceImplementation {
    const unary = Object.entries(this.answers).map(([name]) => [
      name,
      (call: { request: never; metadata: Metadata }, answer: (error: Refused | null, value?: object) => void) => {
        this.#note(name as keyof Methods, call.request, call.metadata)
        const answered = this.answers[name as keyof Answers](call.request, call.metadata)
        if (isRefused(answered)) answer(answered)
        else answer(null, answered)
      },
    ])
    const watch = (call: ServerDuplexStream<RequestOf<'watch'>, ResponseOf<'watch'>>) => {
      this.#note('watch', undefined, call.metadata)
      this.watches.push(new ScriptedWatch(call))
    }
    return { ...Object.fromEntries(unary), watch }
  }

  #note(method: keyof Methods, request: unknown, metadata: Metadata): void {
    this.asked.push({ method, request, token: metadata.get('token')[0], leader: metadata.get('hasleader')[0] })
  }
}

export class ScriptedWatch {
  readonly requests: RequestOf<'watch'>[] = []
  /** Whether the client has left. */
  isLeft = false
  readonly #call: ServerDuplexStream<RequestOf<'watch'>, ResponseOf<'watch'>>

  constructor(call: ServerDuplexStream<RequestOf<'watch'>, ResponseOf<'watch'>>) {
    this.#call = call
    call.on('data', (request: RequestOf<'watch'>) => this.requests.push(request))
    call.on('error', () => undefined)
    call.on('cancelled', () => (this.isLeft = true))
  }

  send(response: ResponseOf<'watch'>): void {
    this.#call.write(response)
  }

  put(key: string, value: string | Uint8Array, others: ResponseOf<'watch'> = {}): void {
    this.send({ events: [{ kv: { key: bytes(key), value: bytes(value) } }], ...others })
  }

  fail(code: keyof typeof status, details: string): void {
    this.#call.emit('error', { code: status[code], details })
  }

  end(): void {
    this.#call.end()
  }
}

export function bytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value
}

export function refused(code: keyof typeof status, details: string): Refused {
  return { code: status[code], details }
}

function isRefused(answer: object): answer is Refused {
  return 'code' in answer
}

function toDefinition() {
  return Object.fromEntries(
    Object.entries(methods).map(([name, { path, request, response }]) => [
      name,
      {
        path,
        requestStream: name === 'watch',
        responseStream: name === 'watch',
        requestSerialize: (value: object) => Buffer.from(request.encode(value)),
        requestDeserialize: (value: Buffer) => request.decode(value),
        responseSerialize: (value: object) => Buffer.from(response.encode(value)),
        responseDeserialize: (value: Buffer) => response.decode(value),
      },
    ]),
  )
}
