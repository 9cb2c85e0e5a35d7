import {
  Client,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type ServiceError as GrpcError,
  status,
  type StatusObject,
} from '@grpc/grpc-js'
import type { ConformanceHarness, PeerCall, PeerEvent, PeerFailure, PeerReply } from '@tenon/testing/conformance'
import { grpcTransport } from '@tenon/transport-grpc'
import { readStatus } from './google-rpc.ts'
import { compileReader } from './grpc-reader.ts'
import { encodeMessage } from './grpc-writer.ts'

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

const sizeLimitBytes = 2_097_152

/** Bytes over HTTP/2. Shares nothing with the transport but grpc-js: messages and error details are made and read by others. */
export const grpcHarness: ConformanceHarness = {
  name: 'grpc',
  sizeLimitBytes,
  lacks: {
    'input.text': 'a field of protobuf has a type on the wire',
    'input.any_type': 'a field of protobuf has a type on the wire; another one is undecodable and names no field',
    'input.any_name': 'a field of protobuf is a number on the wire',
    'input.half_pair': 'a text of protobuf is UTF-8; another one is undecodable and names no field',
    'input.absent_list': 'protobuf writes nothing for an empty list',
  },
  start: async (service) => {
    const { addresses } = await service.start(grpcTransport({ port: 0, maxRequestBytes: sizeLimitBytes }))
    const port = addresses.find(({ protocol }) => protocol === 'grpc')?.port
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.enable_retries': 0,
      'grpc.max_send_message_length': -1,
    })
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
  readonly write: (input: unknown) => Buffer
  readonly read: (bytes: Uint8Array) => unknown
}

/** @see docs/design.md: the method is named as the operation, in PascalCase */
function wireOf({ operation }: PeerCall): Wire {
  const { contract, name, inputJsonSchema, outputJsonSchema } = operation
  return {
    path: `/${contract}/${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    write: (input) => encodeMessage(inputJsonSchema, input),
    read: compileReader(outputJsonSchema),
  }
}

function sendOne(client: Client, call: PeerCall): Promise<PeerReply> {
  const { path, read, write } = wireOf(call)
  const bytes = write(call.input)
  return answered(call, (metadata, done) => client.makeUnaryRequest(path, same, same, bytes, metadata, done(read)))
}

function sendMany(client: Client, call: PeerCall, inputs: AsyncIterable<unknown>): Promise<PeerReply> {
  const { path, read, write } = wireOf(call)
  return answered(call, (metadata, done) => {
    const sent = client.makeClientStreamRequest(path, same, same, metadata, done(read))
    void writeAll(sent, inputs, write)
    return sent
  })
}

type Done = (read: Wire['read']) => (error: GrpcError | null, bytes?: Buffer) => void
interface Sent {
  on(event: 'metadata', listener: (metadata: Metadata) => void): unknown
  once(event: 'status', listener: (status: StatusObject) => void): unknown
  cancel(): void
}

function answered(call: PeerCall, make: (metadata: Metadata, done: Done) => Sent): Promise<PeerReply> {
  return new Promise((resolve, reject) => {
    let headers: Readonly<Record<string, string>> = {}
    const toReply = (error: GrpcError | null, output: () => unknown): PeerReply =>
      error ? toFailure(error, headers) : { ok: true, output: output(), headers }
    const sent = make(toMetadata(call), (read) => (error, bytes = Buffer.alloc(0)) => {
      // What comes behind the answer is told right after it.
      sent.once('status', ({ metadata }) => {
        try {
          resolve({ ...toReply(error, () => read(bytes)), trailers: toHeaders(metadata) })
        } catch (wrong) {
          reject(wrong)
        }
      })
    })
    sent.on('metadata', (metadata) => {
      headers = toHeaders(metadata)
    })
    onLeave(call, sent)
  })
}

async function* readEvents(client: Client, call: PeerCall): AsyncGenerator<PeerEvent> {
  const { path, read, write } = wireOf(call)
  const metadata = toMetadata(call)
  const open = (): ClientReadableStream<Buffer> => {
    if (!call.inputs) return client.makeServerStreamRequest(path, same, same, write(call.input), metadata)
    const sent = client.makeBidiStreamRequest(path, same, same, metadata)
    void writeAll(sent, call.inputs, write)
    return sent
  }
  const received = open()
  let headers: Readonly<Record<string, string>> | undefined
  let trailers: Readonly<Record<string, string>> = {}
  received.once('status', ({ metadata }) => {
    trailers = toHeaders(metadata)
  })
  received.on('metadata', (metadata) => {
    headers = toHeaders(metadata)
  })
  onLeave(call, received)
  try {
    let isFirst = true
    for await (const bytes of received as AsyncIterable<Buffer>) {
      if (isFirst && headers) yield { headers }
      isFirst = false
      yield { item: read(bytes) }
    }
    yield { trailers }
  } catch (error) {
    yield { failure: toFailure(error as GrpcError, headers ?? {}) }
    yield { trailers }
  } finally {
    received.cancel()
  }
}

/** Asks for the next input when the call has taken the one before; inputs that break off break off the call. */
async function writeAll(
  sent: Pick<ClientWritableStream<Buffer>, 'write' | 'end' | 'cancel' | 'once'>,
  inputs: AsyncIterable<unknown>,
  write: Wire['write'],
): Promise<void> {
  let isOver = false
  const over = Promise.withResolvers<void>()
  sent.once('status', () => {
    isOver = true
    over.resolve()
  })
  try {
    for await (const input of inputs) {
      if (isOver) return
      const taken = new Promise<void>((resolve) => void sent.write(write(input), () => resolve()))
      await Promise.race([taken, over.promise])
    }
    sent.end()
  } catch {
    sent.cancel()
  }
}

function onLeave({ signal }: PeerCall, sent: Pick<Sent, 'cancel'>): void {
  if (signal?.aborted) sent.cancel()
  else signal?.addEventListener('abort', () => sent.cancel(), { once: true })
}

const codes = new Map(Object.entries(statuses).map(([code, number]) => [number, code]))

/** @throws Error for an answer that does not follow the rules of the protocol. */
function toFailure(error: GrpcError, sent: Readonly<Record<string, string>>): PeerFailure {
  const code = codes.get(error.code)
  if (code === undefined) throw new Error(`status ${status[error.code]} stands for no code`)
  const [bytes] = error.metadata.get('grpc-status-details-bin')
  const facts = bytes instanceof Uint8Array ? readStatus(bytes) : undefined
  if (facts && facts.code !== error.code) throw new Error(`the details are of status ${facts.code}, not ${error.code}`)
  const headers = { ...toHeaders(error.metadata), ...sent }
  const received = JSON.stringify({ details: error.details, metadata: error.metadata.toJSON() })
  const { reason, details } = facts ?? {}
  return { ok: false, code, message: error.details, reason, details, headers, received }
}

/** With how long the caller waits, as grpc-js would write it; told a deadline, it would also leave by itself. @see gRPC over HTTP/2, Timeout */
function toMetadata({ metadata: entries, timeoutMs }: PeerCall): Metadata {
  const metadata = new Metadata()
  if (timeoutMs !== undefined) metadata.set('grpc-timeout', `${timeoutMs}m`)
  for (const [name, text] of Object.entries(entries))
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(text, 'base64') : text)
  return metadata
}

function toHeaders(metadata: Metadata): Readonly<Record<string, string>> {
  const toText = (value: string | Buffer) => (typeof value === 'string' ? value : value.toString('base64'))
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, toText(value)]))
}

function same(bytes: Buffer): Buffer {
  return bytes
}
