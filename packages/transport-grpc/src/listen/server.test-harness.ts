import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import {
  type Arrival,
  type Logger,
  type OperationEndpoint,
  toServiceError,
  type TransportHost,
} from '@tenon/core/transport'
import { Type } from 'typebox'
import type { GrpcOptions } from '../grpc-options.ts'
import { grpcTransport } from '../grpc-transport.ts'

const Text = Type.Object({ text: Type.String() })

const echo = contract('demo.v1.Echo', {
  say: { input: Text, output: Text },
  watch: { input: Text, output: stream(Text) },
  gather: { input: stream(Text), output: Text },
})

/** The path of a method of `echo`. */
export const pathOf = (method: string): string => `/demo.v1.Echo/${method}`

export type Answer = (arrival: Arrival) => unknown

export interface LogLine {
  readonly fields: object
  readonly message: string
}

/** A server of `echo` whose calls are answered by `answer`, and that keeps what it logs. */
export async function serve(
  options: GrpcOptions = {},
  answer: Answer = () => ({ text: 'hello' }),
  parts: Pick<OperationEndpoint, 'refuse'> = {},
) {
  const lines: LogLine[] = []
  const waiting: { readonly message: string; readonly seen: () => void }[] = []
  const tell = (fields: object, message = '') => {
    lines.push({ fields, message })
    for (const one of waiting) if (message.includes(one.message)) one.seen()
  }
  const log: Logger = { debug: tell, info: tell, warn: tell, error: tell, child: () => log }
  const logged = (message: string) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push({ message, seen: resolve })
    return promise
  }
  const place = options.path === undefined ? { port: 0 } : {}
  const server = grpcTransport({ ...place, ...options }).bind({ ...hostOf(answer, parts), log })
  const [address] = await server.listen()
  return {
    server,
    address,
    port: address?.port ?? 0,
    lines,
    logged,
    [Symbol.asyncDispose]: () => server.close().catch(() => undefined),
  }
}

function hostOf(answer: Answer, parts: Pick<OperationEndpoint, 'refuse'>): TransportHost {
  const dispatch: OperationEndpoint['dispatch'] = async (arrival) => {
    const rest = { callId: 'c-1', headers: undefined }
    try {
      return { ok: true, value: await answer(arrival), ...rest }
    } catch (thrown) {
      return { ok: false, error: toServiceError(thrown), ...rest }
    }
  }
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  return {
    service: { name: 'demo', version: '1', instanceId: 'demo-1' },
    operations: contractInfo(echo as Contract).operations.map((operation) => ({ operation, dispatch, ...parts })),
    events: [],
    defaultHost: '127.0.0.1',
    log,
    fail: () => undefined,
  }
}

/** A connection by hand, which is destroyed when it is disposed of. */
export function open(port: number, options: SecureClientSessionOptions & { readonly isSecure?: boolean } = {}) {
  const session = connect(`${options.isSecure === true ? 'https' : 'http'}://localhost:${port}`, options)
  session.on('error', () => undefined)
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() })
}

/** A message of one text, in its frame. */
export function frame(text: string, { flag = 0 } = {}): Buffer {
  const bytes = Buffer.from(text)
  return framed(Buffer.concat([Buffer.from([0x0a, ...varint(bytes.length)]), bytes]), flag)
}

export function framed(message: Uint8Array, flag: number): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(flag)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

export interface Reply {
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
  readonly resetCode: number
}

export interface RawCall {
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Buffer
  readonly isLeftOpen?: boolean
}

/** Begins a call of `Say`, with whatever headers; undefined leaves a usual one out. */
export function begin(session: ClientHttp2Session, { path = pathOf('Say'), headers = {} }: RawCall): ClientHttp2Stream {
  const all: OutgoingHttpHeaders = {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  }
  const sent = Object.entries(all).filter(([, value]) => value !== undefined)
  return session.request(Object.fromEntries(sent), { endStream: false }).on('error', () => undefined)
}

/** Makes a call and reads all that comes back. */
export async function call(session: ClientHttp2Session, request: RawCall = {}): Promise<Reply> {
  const made = begin(session, request)
  const reply = readReply(made)
  if (request.isLeftOpen === true) made.write(request.body ?? frame('Ada'))
  else made.end(request.body ?? frame('Ada'))
  return reply
}

export async function readReply(made: ClientHttp2Stream): Promise<Reply> {
  let [headers, trailers]: IncomingHttpHeaders[] = [{}, {}]
  const parts: Buffer[] = []
  made.on('response', (given) => (headers = given)).on('trailers', (given) => (trailers = given))
  made.on('data', (part: Buffer) => void parts.push(part))
  await new Promise<void>((resolve) => made.once('close', resolve))
  return { headers: headers ?? {}, trailers: trailers ?? {}, body: Buffer.concat(parts), resetCode: made.rstCode }
}

/** Resolves when the connection is closed, with the GOAWAY that came before. */
export async function endOf(session: ClientHttp2Session) {
  const frames: { code: number; lastStreamId: number; text: string }[] = []
  session.on('goaway', (code, lastStreamId, bytes) => {
    frames.push({ code, lastStreamId, text: bytes === undefined ? '' : Buffer.from(bytes).toString() })
  })
  if (!session.destroyed) await new Promise<void>((resolve) => session.once('close', resolve))
  return frames
}

/** A certificate that is its own authority, with its key, both PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** Makes a certificate for `localhost` and 127.0.0.1 that says who it is in its subject. */
export function identity(name: string): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-grpc-tls-'))
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
