import type { ClientChannel, ClientTransport, OutgoingCall } from '@tenon/core/client'
import type { Operation } from '@tenon/core/contract'
import { type CompiledSchema, compileSchema, ServiceError } from '@tenon/core/transport'
import type { SampleBook, SampleSource } from '../sample/sample-book.ts'
import type { CallResult } from './tally.ts'

/** Calls of one operation by one transport. */
export interface CallLane {
  readonly operation: Operation
  readonly isStream: boolean
  /** Calls once. Never rejects: what the sample's own function throws fails the call. */
  call(): Promise<CallResult>
}

export interface CallLaneParts {
  readonly operation: Operation
  readonly source: SampleSource
  readonly channel: ClientChannel
  readonly book: SampleBook
}

/** Longest time of a call whose operation says nothing, in milliseconds: a call that hangs through a restart has failed. */
const callTimeoutMs = 10_000

/** How long streams are held open, in milliseconds: some through a restart, some not. */
const holdRange = { min: 200, max: 3_000 } as const

/** How far items of an input stream are apart, in milliseconds. */
const itemPauseMs = 50

/** Calls an operation with its samples, and says of each call whether it was answered. */
export function callLane(parts: CallLaneParts): CallLane {
  const { operation, source } = parts
  const schema = compileSchema(operation.inputSchema, operation.inputJsonSchema, operation.id)
  return {
    operation,
    isStream: operation.kind !== 'unary',
    call: async () => {
      try {
        await callOnce(parts, schema)
        return { ok: true }
      } catch (error) {
        const code = ServiceError.is(error) ? error.code : 'unknown'
        if (ServiceError.is(error) && source.expects.has(error.code)) return { ok: true }
        return { ok: false, code, message: error instanceof Error ? error.message : String(error) }
      }
    },
  }
}

/** Each call over a connection of its own, as callers have that begin anew. */
export function freshChannel(via: ClientTransport, target: Parameters<ClientTransport['open']>[0]): ClientChannel {
  const during = async <Value>(use: (channel: ClientChannel) => Promise<Value>): Promise<Value> => {
    const channel = via.open(target)
    try {
      return await use(channel)
    } finally {
      await channel.close()
    }
  }
  async function* items(use: (channel: ClientChannel) => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    const channel = via.open(target)
    try {
      yield* use(channel)
    } finally {
      await channel.close()
    }
  }
  return {
    unary: (...given) => during((channel) => channel.unary(...given)),
    clientStream: (...given) => during((channel) => channel.clientStream(...given)),
    serverStream: (...given) => items((channel) => channel.serverStream(...given)),
    bidiStream: (...given) => items((channel) => channel.bidiStream(...given)),
    close: async () => undefined,
  }
}

async function callOnce(parts: CallLaneParts, schema: CompiledSchema): Promise<void> {
  const { operation, source, channel, book } = parts
  const input = source.next()
  const call: OutgoingCall = {
    metadata: { ...source.metadata },
    timeoutMs: operation.timeoutMs ?? callTimeoutMs,
    signal: undefined,
  }
  const note = (output: unknown) => book.note(operation.id, output)
  switch (operation.kind) {
    case 'unary':
      return note(await channel.unary(operation, await written(schema, input), call))
    case 'client_stream':
      return note(await channel.clientStream(operation, slowly(schema, input), call))
    case 'server_stream': {
      const wire = await written(schema, input)
      return held((signal) => channel.serverStream(operation, wire, { ...call, timeoutMs: undefined, signal }), note)
    }
    case 'bidi_stream':
      return held(
        (signal) => channel.bidiStream(operation, slowly(schema, input), { ...call, timeoutMs: undefined, signal }),
        note,
      )
  }
}

/** Reads a stream for a while, and leaves. One that ends by itself before has ended well. */
async function held(
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
  note: (item: unknown) => void,
): Promise<void> {
  const leaving = new AbortController()
  const holdMs = holdRange.min + Math.random() * (holdRange.max - holdRange.min)
  const timer = setTimeout(() => leaving.abort(), holdMs)
  try {
    for await (const item of open(leaving.signal)) note(item)
  } catch (error) {
    if (!leaving.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
  }
}

async function* slowly(schema: CompiledSchema, inputs: unknown): AsyncGenerator<unknown> {
  for (const input of Array.isArray(inputs) ? (inputs as unknown[]) : [inputs]) {
    yield await written(schema, input)
    await new Promise((resolve) => setTimeout(resolve, itemPauseMs))
  }
}

async function written(schema: CompiledSchema, input: unknown): Promise<unknown> {
  const result = await schema.write(input)
  if (result.ok) return result.value
  const found = result.violations.map(({ field, message }) => `${field || '/'} ${message}`)
  throw new ServiceError('invalid_argument', found.join('; '))
}
