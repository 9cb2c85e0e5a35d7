import {
  Client,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type ServiceError as GrpcError,
  status,
} from '@grpc/grpc-js'
import { contract, contractInfo } from '@tenon/core/contract'
import type { ConformanceHarness, PeerCall, PeerEvent, PeerFailure, PeerReply } from '@tenon/testing/conformance'
import { grpcTransport } from '@tenon/transport-grpc'
import { fromStatus } from '../../packages/transport-grpc/src/grpc-status.ts'
import { compileCodec, type MessageCodec } from '../../packages/transport-grpc/src/message-codec.ts'
import { toServiceShape } from '../../packages/transport-grpc/src/proto/message-shape.ts'
import { methodPath } from '../../packages/transport-grpc/src/service-definition.ts'
import { looseSchema, looseValue } from './loose-message.ts'

/** The status that stands for each code: a copy of the protocol's own table, so that a change of the transport's shows. */
const statuses: Readonly<Record<string, number>> = {
  cancelled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
}

/** Bytes over HTTP/2, made by a codec that knows the fields and none of the rules. */
export const grpcHarness: ConformanceHarness = {
  name: 'grpc',
  lacks: {
    'input.text': 'a field of protobuf has a type on the wire',
    'input.any_type': 'a field of protobuf has a type on the wire; another one is undecodable and names no field',
    'input.any_name': 'a field of protobuf is a number on the wire',
    'input.null': 'protobuf has no null',
    'input.absent_list': 'protobuf writes nothing for an empty list',
    'schema.union': 'protobuf has no field of several types',
    'schema.recursive': 'messages are written out, so that one that contains itself would have no end',
  },
  start: async (service) => {
    const { addresses } = await service.start(grpcTransport({ port: 0 }))
    const port = addresses.find(({ protocol }) => protocol === 'grpc')?.port
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.enable_retries': 0 })
    return {
      call: (call) => (call.inputs ? sendMany(client, call, call.inputs) : sendOne(client, call)),
      stream: (call) => readEvents(client, call),
      close: async () => client.close(),
    }
  },
}

/** How one call is written and read. */
interface Wire {
  readonly path: string
  readonly request: MessageCodec
  readonly response: MessageCodec
  /** Values as the request's codec takes them. */
  toMessage(input: unknown): unknown
}

function wireOf({ operation }: PeerCall, inputs: readonly unknown[]): Wire {
  const loose = contract(operation.contract, {
    [operation.name]: { input: looseSchema(operation.inputJsonSchema, inputs), output: operation.outputSchema },
  })
  const [method] = toServiceShape(contractInfo(loose)).methods
  if (method === undefined) throw new TypeError('a contract has the operations it was given')
  return {
    path: methodPath(operation.contract, method.name),
    request: compileCodec(method.request),
    response: compileCodec(method.response),
    toMessage: (input) => looseValue(operation.inputJsonSchema, input),
  }
}

function sendOne(client: Client, call: PeerCall): Promise<PeerReply> {
  const { path, request, response, toMessage } = wireOf(call, [call.input])
  const bytes = request.encode(toMessage(call.input))
  return answered(call, (metadata, done) =>
    client.makeUnaryRequest(path, same, same, bytes, metadata, optionsOf(call), done(response)),
  )
}

async function sendMany(client: Client, call: PeerCall, inputs: AsyncIterable<unknown>): Promise<PeerReply> {
  const items: unknown[] = []
  for await (const input of inputs) items.push(input)
  const { path, request, response, toMessage } = wireOf(call, items)
  return answered(call, (metadata, done) => {
    const sent = client.makeClientStreamRequest(path, same, same, metadata, optionsOf(call), done(response))
    for (const item of items) sent.write(request.encode(toMessage(item)))
    sent.end()
    return sent
  })
}

type Done = (response: MessageCodec) => (error: GrpcError | null, bytes?: Buffer) => void
interface Sent {
  on(event: 'metadata', listener: (metadata: Metadata) => void): unknown
  cancel(): void
}

function answered(call: PeerCall, make: (metadata: Metadata, done: Done) => Sent): Promise<PeerReply> {
  return new Promise((resolve) => {
    let headers: Readonly<Record<string, string>> = {}
    const sent = make(toMetadata(call), (response) => (error, bytes = Buffer.alloc(0)) => {
      if (error) resolve(toFailure(error, headers))
      else resolve({ ok: true, output: response.decode(bytes), headers })
    })
    sent.on('metadata', (metadata) => {
      headers = toHeaders(metadata)
    })
    call.signal?.addEventListener('abort', () => sent.cancel(), { once: true })
  })
}

async function* readEvents(client: Client, call: PeerCall): AsyncGenerator<PeerEvent> {
  const { path, request, response, toMessage } = wireOf(call, [call.input ?? {}])
  const metadata = toMetadata(call)
  const write = (input: unknown) => request.encode(toMessage(input))
  const open = (): ClientReadableStream<Buffer> => {
    if (!call.inputs)
      return client.makeServerStreamRequest(path, same, same, write(call.input), metadata, optionsOf(call))
    const sent = client.makeBidiStreamRequest(path, same, same, metadata, optionsOf(call))
    void writeAll(sent, call.inputs, write)
    return sent
  }
  const received = open()
  try {
    for await (const bytes of received as AsyncIterable<Buffer>) yield { item: response.decode(bytes) }
  } catch (error) {
    yield { failure: toFailure(error as GrpcError, {}) }
  } finally {
    received.cancel()
  }
}

async function writeAll(
  sent: Pick<ClientWritableStream<Buffer>, 'write' | 'end'>,
  inputs: AsyncIterable<unknown>,
  write: (input: unknown) => Buffer,
): Promise<void> {
  for await (const input of inputs) sent.write(write(input))
  sent.end()
}

/** @throws Error for an answer that does not follow the rules of the transport. */
function toFailure(error: GrpcError, sent: Readonly<Record<string, string>>): PeerFailure {
  const { code, message, reason, details } = fromStatus(error)
  if (statuses[code] !== error.code) throw new Error(`status ${status[error.code]} does not stand for ${code}`)
  const headers = { ...toHeaders(error.metadata), ...sent }
  const received = JSON.stringify({ details: error.details, metadata: error.metadata.toJSON() })
  return { ok: false, code, message, reason, details, headers, received }
}

function toMetadata({ metadata: entries }: PeerCall): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value)
  return metadata
}

function toHeaders(metadata: Metadata): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]))
}

function optionsOf({ timeoutMs }: PeerCall): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
