import { type Call } from '@tenon/core'
import { requireEqual } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Feature } from '../feature.ts'
import type { CallChoices, Served, Stage } from '../stage.ts'
import { quiet } from './quiet.ts'
import {
  callStream,
  codeOf,
  inputKinds,
  offerOf,
  outputKinds,
  type StreamKind,
  streamKinds,
  untilEnd,
} from './stream-kind.ts'

const leave = behavioursOf('leave')

function needsOf({ needs }: StreamKind): readonly Feature[] {
  return [...needs, 'cancel.caller']
}

/** What a handler does that waits between its items for its call to end, and tells what ended it. */
function waiting() {
  const begun = Promise.withResolvers<void>()
  const cleaned = Promise.withResolvers<unknown>()
  const work = {
    between: async (call: Call) => {
      begun.resolve()
      await untilEnd(call)
    },
    end: ({ signal }: Call) => cleaned.resolve(codeOf(signal.reason)),
  }
  return { work, begun: begun.promise, cleaned: cleaned.promise }
}

async function leavesBySignal({ serve }: Stage, kind: StreamKind): Promise<void> {
  const { work, begun, cleaned } = waiting()
  const caller = new AbortController()
  await using served = await serve(offerOf(kind, work))
  const called = settled(callStream(kind, served, { signal: caller.signal, rest: cleaned }))
  await begun
  caller.abort()
  requireEqual(await cleaned, 'cancelled', 'the reason of the signal should be')
  await called
}

async function leavesLoop({ serve }: Stage, kind: StreamKind): Promise<void> {
  const { work, cleaned } = waiting()
  await using served = await serve(offerOf(kind, work))
  const inputs = numbersUntil(cleaned)
  for await (const _step of kind.hasInputs ? served.converse(inputs) : served.stream({})) break
  requireEqual(await cleaned, 'cancelled', 'the reason of the signal should be')
}

async function leavesUnread({ serve }: Stage, kind: StreamKind, count: number): Promise<void> {
  const { work, begun, cleaned } = waiting()
  const caller = new AbortController()
  await using served = await serve(offerOf(kind, work))
  let sentCount = 0
  const inputs = numbersUntil(cleaned, { count, sent: () => (sentCount += 1) })
  const called = settled(sendAll(kind, served, { inputs, signal: caller.signal }))
  await begun
  await quiet(() => sentCount)
  caller.abort()
  requireEqual(await cleaned, 'cancelled', 'the reason of the signal should be')
  await called
}

/** 1 MiB, which a transport may keep, or its connection. */
const unreadCount = 16
/** 32 MiB: far more than either keeps while nobody reads. */
const heldBackCount = 512
const padding = 'x'.repeat(65_536)

interface Unread {
  readonly count: number
  readonly sent: () => void
}

/** Two items, or many that are large, and no end before the handler's. */
async function* numbersUntil(ended: Promise<unknown>, unread?: Unread): AsyncGenerator<unknown> {
  yield { n: 1 }
  for (let n = 2; n <= (unread?.count ?? 2); n += 1) {
    yield unread ? { n, padding } : { n }
    unread?.sent()
  }
  await ended
}

interface Sent extends CallChoices {
  readonly inputs: AsyncIterable<unknown>
}

async function sendAll({ hasOutputs }: StreamKind, served: Served, { inputs, ...choices }: Sent): Promise<void> {
  if (!hasOutputs) return void (await served.send(inputs, choices))
  for await (const _step of served.converse(inputs, choices));
}

/** Whoever leaves does not care how the call ends. */
function settled(call: Promise<unknown>): Promise<unknown> {
  return call.catch(() => undefined)
}

interface BreakOff {
  /** What the handler waits for after the first item, while others lie unread. */
  readonly wait?: (() => Promise<void>) | undefined
}

/** Some items, and then the caller breaks off, once the handler has begun to read. */
async function* brokenNumbers(begun: Promise<void>): AsyncGenerator<unknown> {
  for (let n = 1; n <= 8; n += 1) yield { n }
  await begun
  throw new Error('the caller breaks off')
}

async function breaksOff({ serve }: Stage, kind: StreamKind, { wait }: BreakOff): Promise<void> {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<string>()
  const read = async (inputs: AsyncIterable<unknown>) => {
    begun.resolve()
    let readCount = 0
    for await (const _input of inputs) {
      readCount += 1
      if (readCount === 1) await wait?.()
    }
  }
  const handle = handlerOf(kind, (inputs) => {
    const reading = read(inputs)
    reading.then(
      () => ended.resolve('complete'),
      (error: unknown) => ended.resolve(String(codeOf(error) ?? error)),
    )
    return reading
  })
  await using served = await serve({ ...offerOf(kind, {}), handle: handle as never })
  const called = settled(sendAll(kind, served, { inputs: brokenNumbers(begun.promise) }))
  requireEqual(await ended.promise, 'cancelled', 'the input should end for the handler as')
  await called
}

/** A handler that does nothing but read. */
function handlerOf({ hasOutputs }: StreamKind, read: (inputs: AsyncIterable<unknown>) => Promise<void>) {
  if (hasOutputs)
    return async function* (inputs: AsyncIterable<unknown>) {
      await read(inputs)
      yield { n: 0 }
    }
  return async (inputs: AsyncIterable<unknown>) => {
    await read(inputs)
    return { sum: 0 }
  }
}

/** Callers that leave in the middle of a stream, and what their handlers are told. */
export const leaveCases = [
  ...streamKinds.map((kind) =>
    leave(`a caller that leaves ${kind.words} ends its handler`, {
      needs: needsOf(kind),
      run: (stage) => leavesBySignal(stage, kind),
    }),
  ),
  ...outputKinds.map((kind) =>
    leave(`a caller that stops reading ${kind.words} ends its handler`, {
      needs: needsOf(kind),
      run: (stage) => leavesLoop(stage, kind),
    }),
  ),
  ...inputKinds.map((kind) =>
    leave(`a caller that leaves ${kind.words} while its input lies unread ends its handler`, {
      needs: needsOf(kind),
      run: (stage) => leavesUnread(stage, kind, unreadCount),
    }),
  ),
  ...inputKinds.map((kind) =>
    leave(`a caller that leaves ${kind.words} while it is held back ends its handler`, {
      needs: [...needsOf(kind), 'cancel.held_back'],
      run: (stage) => leavesUnread(stage, kind, heldBackCount),
    }),
  ),
  ...inputKinds.map((kind) =>
    leave(`an input of ${kind.words} that breaks off is cancelled, and never complete`, {
      needs: needsOf(kind),
      run: (stage) => breaksOff(stage, kind, {}),
    }),
  ),
  ...inputKinds.map((kind) =>
    leave(`an input of ${kind.words} that breaks off while it lies unread is cancelled, and never complete`, {
      needs: needsOf(kind),
      run: (stage) => breaksOff(stage, kind, { wait: () => quiet(() => 0) }),
    }),
  ),
]
