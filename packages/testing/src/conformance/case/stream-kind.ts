import { type Call, stream as streamOf } from '@tenon/core'
import type { Metadata } from '@tenon/core/transport'
import Type from 'typebox'
import type { Feature } from '../feature.ts'
import type { PeerFailure, PeerStep } from '../harness.ts'
import type { CallChoices, Offer, Served } from '../stage.ts'
import { requireTrue } from '../assertion.ts'

/** Which way any number of items goes. */
export interface StreamKind {
  /** With its article: `a server stream`. */
  readonly words: string
  readonly needs: readonly Feature[]
  readonly hasInputs: boolean
  readonly hasOutputs: boolean
}

const serverStream = kind('a server stream', ['stream.output'])
const clientStream = kind('a client stream', ['stream.input'])
const bidiStream = kind('a bidirectional stream', ['stream.both'])

export const streamKinds: readonly StreamKind[] = [serverStream, clientStream, bidiStream]
export const inputKinds = streamKinds.filter(({ hasInputs }) => hasInputs)
export const outputKinds = streamKinds.filter(({ hasOutputs }) => hasOutputs)

/** What a handler of two items does beside them. */
export interface StreamWork {
  /** At its beginning, before any item. */
  readonly begin?: (call: Call) => unknown
  /** Between the first item and the second, on whichever side they are. */
  readonly between?: (call: Call) => unknown
  /** In its `finally`. */
  readonly end?: (call: Call) => void
}

/** An operation of the kind whose items are numbers. */
export function offerOf({ hasInputs, hasOutputs }: StreamKind, work: StreamWork): Offer {
  const handle = hasOutputs ? (hasInputs ? echoing(work) : counting(work)) : summing(work)
  const output = hasOutputs ? streamOf(Type.Object({ n: Type.Integer() })) : Type.Object({ sum: Type.Integer() })
  const offer = { output, handle: handle as Offer['handle'] & object }
  return hasInputs ? { ...offer, fields: itemFields, isInputStream: true } : offer
}

const itemFields = { n: Type.Integer(), padding: Type.Optional(Type.String()) }

/** How a call of two items ended. */
export interface StreamEnd {
  readonly output: unknown
  readonly code: string | undefined
  readonly details: PeerFailure['details']
  readonly headers: Metadata
  readonly trailers: Metadata
}

/** What comes of a call of such an operation when it goes well: its two items, or their sum. */
export function endOf({ hasOutputs }: StreamKind): unknown {
  return hasOutputs ? [{ n: 1 }, { n: 2 }] : { sum: 3 }
}

/** Calls such an operation with two items; the second, and the end, are not sent before `rest` resolves. */
export async function callStream(
  { hasInputs, hasOutputs }: StreamKind,
  served: Served,
  { rest, ...choices }: CallChoices & { readonly rest?: Promise<unknown> } = {},
): Promise<StreamEnd> {
  if (!hasOutputs) {
    const reply = await served.send(twoItems(rest), choices)
    const { headers, trailers = {} } = reply
    if (reply.ok) return { output: reply.output, code: undefined, details: undefined, headers, trailers }
    return { output: [], code: reply.code, details: reply.details, headers, trailers }
  }
  let headers: Metadata = {}
  let trailers: Metadata = {}
  const all = {
    ...choices,
    onHeaders: (found: Metadata) => (headers = found),
    onTrailers: (found: Metadata) => (trailers = found),
  }
  const { items, failure } = await readAll(hasInputs ? served.converse(twoItems(rest), all) : served.stream({}, all))
  const { code, details } = failure ?? {}
  return { output: items, code, details, headers: { ...headers, ...failure?.headers }, trailers }
}

/** The items of a stream, and the failure that ended it. */
export async function readAll(steps: AsyncIterable<PeerStep>) {
  const items: unknown[] = []
  let failure: PeerFailure | undefined
  for await (const step of steps) {
    requireTrue(failure === undefined, 'something came after the failure that ended the stream')
    if ('item' in step) items.push(step.item)
    else failure = step.failure
  }
  return { items, failure }
}

/** Two items, the second when it may. */
export async function* twoItems(rest?: Promise<unknown>): AsyncGenerator<unknown> {
  yield { n: 1 }
  await rest
  yield { n: 2 }
}

/** Resolves when the signal of the call fires. */
export async function untilEnd({ signal }: Call): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

/** The code of an error, if it has one. */
export function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), 'code')
}

function kind(words: string, needs: readonly ['stream.output' | 'stream.input' | 'stream.both']): StreamKind {
  const [need] = needs
  return { words, needs, hasInputs: need !== 'stream.output', hasOutputs: need !== 'stream.input' }
}

interface Item {
  readonly n: number
}

function counting({ begin, between, end }: StreamWork) {
  return async function* (_input: unknown, call: Call) {
    try {
      begin?.(call)
      yield { n: 1 }
      await between?.(call)
      yield { n: 2 }
    } finally {
      end?.(call)
    }
  }
}

function summing({ begin, between, end }: StreamWork) {
  return async (inputs: AsyncIterable<Item>, call: Call) => {
    try {
      begin?.(call)
      let sum = 0
      for await (const { n } of inputs) {
        sum += n
        if (n === 1) await between?.(call)
      }
      return { sum }
    } finally {
      end?.(call)
    }
  }
}

function echoing({ begin, between, end }: StreamWork) {
  return async function* (inputs: AsyncIterable<Item>, call: Call) {
    try {
      begin?.(call)
      for await (const { n } of inputs) {
        yield { n }
        if (n === 1) await between?.(call)
      }
    } finally {
      end?.(call)
    }
  }
}
