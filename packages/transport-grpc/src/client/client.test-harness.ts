import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Call, defineHandler, defineService } from '@tenon/core'
import { buildClient, type CallOptions, type Client } from '@tenon/core/client'
import { contract, contractInfo, stream } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { type GrpcClientOptions, grpcClient, type GrpcOptions, grpcTransport } from '../index.ts'

const Note = Type.Object({ text: Type.String() })
export type Note = { readonly text: string }

/** One operation of each kind; each gives back what it is given. */
export const talks = talksWithin(600_000)

function talksWithin(timeoutMs: number) {
  const errors = ['aborted'] as const
  return contract('demo.talk.v1.TalkService', {
    say: { input: Note, output: Note, errors, timeoutMs },
    listen: { input: Note, output: stream(Note), errors, timeoutMs },
    gather: { input: stream(Note), output: Note, errors, timeoutMs },
    chat: { input: stream(Note), output: stream(Note), errors, timeoutMs },
  })
}

export const kinds = ['say', 'listen', 'gather', 'chat'] as const
export type Kind = (typeof kinds)[number]

/** What a handler does when it has its input, or each of its inputs, before it gives anything. */
export type Act = (note: Note, call: Call) => unknown

export async function serve(act: Act = () => undefined, options: GrpcOptions = {}, timeoutMs = 600_000) {
  const answer = async (note: Note, call: Call) => {
    await act(note, call)
    return note
  }
  const handler = defineHandler(talksWithin(timeoutMs), () => ({
    say: answer,
    listen: async function* (note, call) {
      yield await answer(note, call)
    },
    gather: async (notes, call) => {
      let last: Note = { text: '' }
      for await (const note of notes) last = await answer(note, call)
      return last
    },
    chat: async function* (notes, call) {
      for await (const note of notes) yield await answer(note, call)
    },
  }))
  const started = await defineService({
    name: 'talk',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport(options.path === undefined ? { port: 0, ...options } : options)],
    shutdownTimeoutMs: 200,
    deregisterDelayMs: 0,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  return {
    started,
    port: started.addresses[0]?.port ?? 0,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

export function open(address: string | number, options: GrpcClientOptions = {}) {
  const target = typeof address === 'number' ? `127.0.0.1:${address}` : address
  const channel = grpcClient(options).open({ contract: contractInfo(talks), address: target })
  return {
    channel,
    client: buildClient<typeof talks>(talks, channel),
    state: () => channel.state?.(),
    [Symbol.asyncDispose]: () => channel.close(),
  }
}

/** Calls an operation, with one input where it takes a stream, and gives all that comes of it. */
export async function callOf(
  client: Client<typeof talks>,
  {
    kind,
    text = 'a',
    inputs = one(text),
    ...options
  }: CallOptions & {
    readonly kind: Kind
    readonly text?: string
    readonly inputs?: AsyncIterable<Note>
  },
): Promise<readonly Note[]> {
  if (kind === 'say') return [await client.say({ text }, options)]
  if (kind === 'gather') return [await client.gather(inputs, options)]
  const items: Note[] = []
  for await (const item of kind === 'listen' ? client.listen({ text }, options) : client.chat(inputs, options))
    items.push(item)
  return items
}

export async function* one(text: string): AsyncGenerator<Note> {
  yield { text }
}

/** What a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call
  } catch (error) {
    if (ServiceError.is(error)) return error
    throw error
  }
  throw new Error('expected the call to fail')
}

/** A peer that takes connections and says nothing on them. */
export async function silentPeer() {
  const sockets = new Set<Socket>()
  const connected = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    connected.resolve()
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connected: connected.promise,
    connectionCount: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  await using peer = await silentPeer()
  return peer.port
}

/** A certificate for a name that is its own authority, with its key, both PEM. */
export function identity(name: string): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-grpc-tls-'))
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
