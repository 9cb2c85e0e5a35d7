import { type sendUnaryData, type Server, type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js'
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { bytesMethod, methodPath } from '../wire/service-definition.ts'

/** The service's full name, for clients and reflection. */
const healthServiceName = 'grpc.health.v1.Health'

/** @see grpc/health/v1/health.proto, HealthCheckResponse.ServingStatus */
const servingStatus = { serving: 1, notServing: 2, serviceUnknown: 3 } as const

type Watch = ServerWritableStream<Buffer, Buffer>

/**
 * Answers health checks for the whole server (the empty name) and for each of its services, one by one or all at once.
 *
 * @see gRPC health checking protocol; gRFC A106 (List)
 */
export class HealthService {
  readonly #services: ReadonlySet<string>
  /** Those of one of the services are told of changes. */
  readonly #watches = new Map<Watch, boolean>()
  #isReady = false
  #isWithdrawn = false

  constructor(services: readonly string[]) {
    this.#services = new Set(['', ...services])
  }

  mount(server: Server): void {
    server.addService(
      {
        Check: bytesMethod(methodPath(healthServiceName, 'Check'), { requestStream: false, responseStream: false }),
        List: bytesMethod(methodPath(healthServiceName, 'List'), { requestStream: false, responseStream: false }),
        Watch: bytesMethod(methodPath(healthServiceName, 'Watch'), { requestStream: false, responseStream: true }),
      },
      {
        Check: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => this.#check(call, answer),
        List: (_call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => answer(null, this.#list()),
        Watch: (call: Watch) => this.#watch(call),
      },
    )
  }

  /** Answers from here on what the readiness probe says; not serving before it is told. */
  readinessChanged(readiness: 'ready' | 'not_ready'): void {
    this.#change(() => {
      this.#isReady = readiness === 'ready'
    })
  }

  /** Tells everybody who asks or watches to go elsewhere, for good. */
  withdraw(): void {
    this.#change(() => {
      this.#isWithdrawn = true
    })
  }

  /** Ends all watches, which would hold the server open for ever. */
  close(): void {
    for (const call of this.#watches.keys()) call.end()
    this.#watches.clear()
  }

  /** Watches hear of changes only. @see gRPC health checking protocol, Watch */
  #change(apply: () => void): void {
    const before = this.#status
    apply()
    if (this.#status === before) return
    for (const [call, isKnown] of this.#watches) if (isKnown) call.write(toAnswer(this.#status))
  }

  get #status(): number {
    return this.#isReady && !this.#isWithdrawn ? servingStatus.serving : servingStatus.notServing
  }

  #check({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
    const name = readServiceName(request)
    if (name === undefined) return answer(undecodable)
    if (!this.#services.has(name)) return answer(unknownService)
    answer(null, this.#answer(name))
  }

  /** HealthListResponse: `map<string, HealthCheckResponse> statuses = 1`. */
  #list(): Buffer {
    const writer = new BinaryWriter()
    for (const name of this.#services)
      writer.uint32(0x0a).fork().uint32(0x0a).string(name).uint32(0x12).bytes(this.#answer(name)).join()
    return Buffer.from(writer.finish())
  }

  #watch(call: Watch): void {
    const name = readServiceName(call.request)
    if (name === undefined) {
      call.emit('error', undecodable)
      return
    }
    // grpc-js keeps the request for as long as the watch is open.
    if (call.request.length > longestRequestBytes && !this.#services.has(name)) {
      call.emit('error', unknownService)
      return
    }
    this.#watches.set(call, this.#services.has(name))
    call.once('cancelled', () => this.#watches.delete(call))
    call.write(this.#answer(name))
  }

  #answer(name: string): Buffer {
    return toAnswer(this.#services.has(name) ? this.#status : servingStatus.serviceUnknown)
  }
}

function toAnswer(answer: number): Buffer {
  return Buffer.from(new BinaryWriter().uint32(0x08).int32(answer).finish())
}

/** A guess: longer than the name of any service. */
const longestRequestBytes = 1_024

const undecodable = { code: status.INVALID_ARGUMENT, details: 'the message cannot be decoded' }

/** Without the name, which may be longer than a header can be. */
const unknownService = { code: status.NOT_FOUND, details: 'no such service' }

/** HealthCheckRequest: `string service = 1`. */
function readServiceName(bytes: Buffer): string | undefined {
  try {
    const reader = new BinaryReader(bytes)
    let name = ''
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag()
      if (field === 1 && wireType === 2) name = reader.string(true)
      else reader.skip(wireType, field)
    }
    return name
  } catch {
    return undefined
  }
}
