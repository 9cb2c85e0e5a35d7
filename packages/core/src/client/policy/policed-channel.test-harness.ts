import Type from 'typebox'
import { onTestFinished, vi } from 'vitest'
import { contract, contractInfo } from '../../contract/contract.ts'
import { stream } from '../../contract/stream.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { Logger } from '../../telemetry/log.ts'
import { silent } from '../../telemetry/log.ts'
import type { ClientChannel, OutgoingCall } from '../client-transport.ts'
import { type ClientDecision, ClientJournal, clientDecisionChannelName } from './client-journal.ts'
import { PolicedChannel } from './policed-channel.ts'
import { type RemotePolicy, resolvePolicy } from './remote-policy.ts'
import { VirtualClock } from './virtual-clock.test-harness.ts'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const Note = Type.Object({ text: Type.String() })
export const notes = contract('demo.NoteService', {
  read: { input: Note, output: Note, idempotency: 'safe' },
  put: { input: Note, output: Note, idempotency: 'idempotent' },
  add: { input: Note, output: Note },
  watch: { input: Note, output: stream(Note), idempotency: 'safe' },
  gather: { input: stream(Note), output: Note, idempotency: 'idempotent' },
  chat: { input: stream(Note), output: stream(Note), idempotency: 'idempotent' },
})
export type OperationName = 'read' | 'put' | 'add' | 'watch' | 'gather' | 'chat'
export const operationOf = (name: string) =>
  contractInfo(notes).operations.find((one) => one.name === name) ?? raise(`there is no ${name}`)

/** What one attempt comes to: a value, an error, or what it takes its time for. */
export type Answer = (call: OutgoingCall, input: unknown, clock: VirtualClock) => unknown

/** Calls over a remote that answers each attempt with the next of these; with the last one for ever. */
export function policed(policy: RemotePolicy<typeof notes>, ...answers: readonly [Answer, ...Answer[]]) {
  const clock = new VirtualClock()
  const sent: OutgoingCall[] = []
  const answer = async (call: OutgoingCall, input: unknown) => {
    sent.push(call)
    return await (answers[sent.length - 1] ?? answers.at(-1))?.(call, input, clock)
  }
  const inner: ClientChannel = {
    unary: (_operation, input, call) => answer(call, input),
    serverStream: async function* (_operation, input, call) {
      yield* (await answer(call, input)) as Iterable<unknown>
    },
    clientStream: async (_operation, inputs, call) => {
      const first = await inputs[Symbol.asyncIterator]().next()
      return await answer(call, first.value)
    },
    bidiStream: async function* (_operation, inputs, call) {
      const items = inputs[Symbol.asyncIterator]()
      const first = await items.next()
      yield* (await answer(call, first.value)) as Iterable<unknown>
    },
    close: vi.fn(async () => undefined),
  }
  const log = { ...silent, warn: vi.fn<Logger['warn']>(), info: vi.fn<Logger['info']>() }
  const contractFacts = contractInfo(notes)
  const settings = resolvePolicy(contractFacts, policy)
  const channel = new PolicedChannel(inner, {
    contract: contractFacts,
    settings,
    journal: new ClientJournal(log),
    clock,
    after: clock.after,
  })
  const begin = (name: OperationName, call: Partial<OutgoingCall> = {}, input: unknown = { text: 'a' }) =>
    outcomeOf(channel.unary(operationOf(name), input, callWith(call)))
  return { channel, inner, clock, sent, log, begin, decisions: heardDecisions() }
}

export function callWith(call: Partial<OutgoingCall> = {}): OutgoingCall {
  return { metadata: {}, timeoutMs: undefined, signal: undefined, ...call }
}

/** What a call has come to so far. */
export interface Outcome {
  value?: unknown
  error?: unknown
}

export function outcomeOf(work: Promise<unknown>): Outcome {
  const outcome: Outcome = {}
  work.then(
    (value) => void (outcome.value = value),
    (error: unknown) => void (outcome.error = error),
  )
  return outcome
}

export const failing =
  (code: ServiceError['code'], details?: ServiceError['details']): Answer =>
  () => {
    throw new ServiceError(code, code, details && { details })
  }
export const answering =
  (text: string): Answer =>
  () => ({ text })

/** Ends with the call: at its deadline, or when it is cancelled. */
export const hanging: Answer = ({ timeoutMs, signal }, _input, clock) =>
  new Promise((_resolve, reject) => {
    if (timeoutMs !== undefined) clock.after(timeoutMs, () => reject(new ServiceError('deadline_exceeded', 'late')))
    signal?.addEventListener('abort', () => reject(new ServiceError('cancelled', 'cancelled')))
  })

function heardDecisions(): ClientDecision[] {
  const heard: ClientDecision[] = []
  const hear = (message: unknown) => void heard.push(message as ClientDecision)
  subscribe(clientDecisionChannelName, hear)
  onTestFinished(() => void unsubscribe(clientDecisionChannelName, hear))
  return heard
}

function raise(message: string): never {
  throw new Error(message)
}
