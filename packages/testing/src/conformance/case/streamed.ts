import { type Call, type Interceptor, ServiceError } from '@tenon/core'
import { type OutgoingCall, outgoingMetadata } from '@tenon/core/client'
import { requireEqual, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { CallChoices, Offer, Stage } from '../stage.ts'
import { goingOnTwice } from './interceptor.ts'
import { authenticate } from './people.ts'
import { recordingClient } from './recording-client.ts'
import {
  callStream,
  codeOf,
  endOf,
  offerOf,
  outputKinds,
  type StreamEnd,
  type StreamKind,
  type StreamWork,
  streamKinds,
  untilEnd,
} from './stream-kind.ts'

const streamed = behavioursOf('streamed')

interface Tried {
  readonly kind: StreamKind
  readonly work?: StreamWork
  readonly offer?: Offer
  readonly choices?: CallChoices
}

/** One call of two items. */
async function tryOne({ serve }: Stage, { kind, work = {}, offer, choices }: Tried): Promise<StreamEnd> {
  await using served = await serve({ ...offerOf(kind, work), ...offer })
  return await callStream(kind, served, choices)
}

/** The call gives all it has to give. */
async function tryWhole(stage: Stage, tried: Tried): Promise<StreamEnd> {
  const end = await tryOne(stage, tried)
  const { output, code } = end
  requireEqual({ output, code }, { output: endOf(tried.kind), code: undefined }, 'the call should end with')
  return end
}

async function asksWhoCalls({ serve }: Stage, kind: StreamKind): Promise<void> {
  let begunCount = 0
  const begin = () => (begunCount += 1)
  const offer = { ...offerOf(kind, { begin }), access: { roles: ['admin'] }, service: { authenticate } }
  await using served = await serve(offer)
  const found: unknown[] = []
  for (const metadata of [{}, { authorization: 'Bearer bob' }, { authorization: 'Bearer ada' }]) {
    const { output, code } = await callStream(kind, served, { metadata })
    found.push(code ?? output)
  }
  requireEqual(found, ['unauthenticated', 'permission_denied', endOf(kind)], 'callers should be answered')
  requireEqual(begunCount, 1, 'calls that reach the handler should be')
}

async function asksPolicy({ serve }: Stage, kind: StreamKind): Promise<void> {
  let begunCount = 0
  const begin = () => (begunCount += 1)
  const policy: Offer['policy'] & object = (principal) => Reflect.get(Object(principal), 'id') === 'ada'
  await using served = await serve({ ...offerOf(kind, { begin }), policy, service: { authenticate } })
  const found: unknown[] = []
  for (const name of ['bob', 'ada']) {
    const { output, code } = await callStream(kind, served, { metadata: { authorization: `Bearer ${name}` } })
    found.push(code ?? output)
  }
  requireEqual(found, ['permission_denied', endOf(kind)], 'callers should be answered')
  requireEqual(begunCount, 1, 'calls that reach the handler should be')
}

async function endsInTime(stage: Stage, tried: Pick<Tried, 'kind' | 'offer' | 'choices'>): Promise<void> {
  const ended = Promise.withResolvers<unknown>()
  let hasBegun = false
  const work: StreamWork = {
    begin: () => {
      hasBegun = true
    },
    between: untilEnd,
    end: ({ signal }) => ended.resolve(codeOf(signal.reason)),
  }
  const { code } = await tryOne(stage, { ...tried, work })
  requireEqual(code, 'deadline_exceeded', 'the call should end with')
  // On a busy machine the time may be over before the handler begins.
  if (hasBegun) requireEqual(await ended.promise, 'deadline_exceeded', 'the reason of the signal should be')
}

async function passesMetadataOn(stage: Stage, kind: StreamKind): Promise<void> {
  const seen: unknown[] = []
  const look = () => void seen.push(outgoingMetadata())
  const sent = { 'x-tenant-id': 't1', 'x-request-id': 'req-1' }
  const choices = { metadata: { ...sent, authorization: 'Bearer x' } }
  await tryWhole(stage, { kind, work: { begin: look, between: look }, choices })
  requireEqual(seen, [sent, sent], 'outgoing metadata should be')
}

async function passesDeadlineOn(stage: Stage, kind: StreamKind): Promise<void> {
  const sent: OutgoingCall[] = []
  const between = () => recordingClient(sent).act({})
  const choices = { timeoutMs: 20_000 }
  await tryWhole(stage, { kind, work: { between }, offer: { timeoutMs: 600_000 }, choices })
  const [{ timeoutMs = 0, signal } = {} as Partial<OutgoingCall>] = sent
  requireTrue(timeoutMs > 0 && timeoutMs <= 20_000, `expected at most 20000 ms, found ${timeoutMs}`)
  requireTrue(signal !== undefined, 'the outgoing call should end with the running one')
}

async function sendsHeader(stage: Stage, kind: StreamKind): Promise<void> {
  const begin = (call: Call) => call.setHeader('X-Total-Count', '12')
  const { headers } = await tryWhole(stage, { kind, work: { begin } })
  requireEqual(headers['x-total-count'], '12', 'the header should be')
}

async function sendsTrailer(stage: Stage, kind: StreamKind): Promise<void> {
  const between = (call: Call) => call.setTrailer('X-Cost', '12')
  const { trailers } = await tryWhole(stage, { kind, work: { between } })
  requireEqual(trailers['x-cost'], '12', 'the trailer should be')
}

async function sendsTrailerWithError(stage: Stage, kind: StreamKind): Promise<void> {
  const between = (call: Call) => {
    call.setTrailer('X-Cost', '12')
    throw new ServiceError('aborted', 'enough')
  }
  const { code, trailers } = await tryOne(stage, { kind, work: { between } })
  requireEqual({ code, cost: trailers['x-cost'] }, { code: 'aborted', cost: '12' }, 'the end should be')
}

async function runsAround(stage: Stage, kind: StreamKind): Promise<void> {
  const steps: string[] = []
  const around =
    (name: string): Interceptor =>
    (_call, next) => {
      steps.push(name)
      return next()
    }
  const work = { begin: () => void steps.push('handler') }
  await tryWhole(stage, { kind, work, offer: { service: { interceptors: [around('outer'), around('inner')] } } })
  requireEqual(steps, ['outer', 'inner', 'handler'])
}

async function goesOnOnce(stage: Stage, kind: StreamKind): Promise<void> {
  const seen: string[] = []
  let begunCount = 0
  const begin = () => (begunCount += 1)
  await tryWhole(stage, { kind, work: { begin }, offer: { service: { interceptors: [goingOnTwice(seen)] } } })
  requireEqual({ seen, begunCount }, { seen: ['refused'], begunCount: 1 })
}

async function fails(stage: Stage, kind: StreamKind): Promise<void> {
  let begunCount = 0
  const refuse: Interceptor = () => Promise.reject(new ServiceError('failed_precondition', 'closed today'))
  const work = { begin: () => (begunCount += 1) }
  const { output, code } = await tryOne(stage, { kind, work, offer: { service: { interceptors: [refuse] } } })
  requireEqual({ output, code, begunCount }, { output: [], code: 'failed_precondition', begunCount: 0 })
}

async function changesItems({ serve }: Stage, kind: StreamKind): Promise<void> {
  const doubling: Interceptor = async (_call, next) => doubled((await next()) as AsyncIterable<{ readonly n: number }>)
  await using served = await serve({ ...offerOf(kind, {}), service: { interceptors: [doubling] } })
  requireEqual((await callStream(kind, served)).output, [{ n: 2 }, { n: 4 }], 'the caller should get')
}

async function* doubled(items: AsyncIterable<{ readonly n: number }>) {
  for await (const { n } of items) yield { n: 2 * n }
}

/** What is true of a call that is answered once is true of every stream. */
export const streamedCases = [
  ...streamKinds.flatMap((kind) => [
    streamed(`whoever may not call gets nothing of ${kind.words}`, {
      needs: [...kind.needs, 'access'],
      run: (stage) => asksWhoCalls(stage, kind),
    }),
    streamed(`the operation's time ends ${kind.words}, and the handler learns why`, {
      needs: kind.needs,
      run: (stage) => endsInTime(stage, { kind, offer: { timeoutMs: 50 } }),
    }),
    streamed(`the caller's time ends ${kind.words}, and the handler learns why`, {
      needs: [...kind.needs, 'deadline.caller'],
      run: (stage) => endsInTime(stage, { kind, choices: { timeoutMs: 50 } }),
    }),
    streamed(`what goes along with outgoing calls does so in every step of ${kind.words}`, {
      needs: kind.needs,
      run: (stage) => passesMetadataOn(stage, kind),
    }),
    streamed(`what is left of the caller's time goes along with calls in the midst of ${kind.words}`, {
      needs: [...kind.needs, 'deadline.caller'],
      run: (stage) => passesDeadlineOn(stage, kind),
    }),
    streamed(`a header that the handler sets at the beginning of ${kind.words} reaches the caller`, {
      needs: [...kind.needs, 'headers'],
      run: (stage) => sendsHeader(stage, kind),
    }),
    streamed(`a trailer that the handler sets in the midst of ${kind.words} reaches the caller`, {
      needs: [...kind.needs, 'trailers'],
      run: (stage) => sendsTrailer(stage, kind),
    }),
    streamed(`a trailer reaches the caller with the error that ends ${kind.words}`, {
      needs: [...kind.needs, 'trailers'],
      run: (stage) => sendsTrailerWithError(stage, kind),
    }),
    streamed(`interceptors run once around ${kind.words}, the first as the outermost`, {
      needs: kind.needs,
      run: (stage) => runsAround(stage, kind),
    }),
    streamed(`an interceptor goes on once with ${kind.words}, and a second next() is refused`, {
      needs: kind.needs,
      run: (stage) => goesOnOnce(stage, kind),
    }),
    streamed(`an interceptor that throws fails ${kind.words} with its code`, {
      needs: kind.needs,
      run: (stage) => fails(stage, kind),
    }),
  ]),
  // With an input stream there is no one input to judge: such a service does not start.
  ...outputKinds
    .filter(({ hasInputs }) => !hasInputs)
    .map((kind) =>
      streamed(`a policy decides who may call for ${kind.words}`, {
        needs: [...kind.needs, 'access'],
        run: (stage) => asksPolicy(stage, kind),
      }),
    ),
  ...outputKinds.map((kind) =>
    streamed(`an interceptor may change the items of ${kind.words}`, {
      needs: kind.needs,
      run: (stage) => changesItems(stage, kind),
    }),
  ),
]
