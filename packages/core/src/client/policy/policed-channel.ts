import { Limiter } from '../../call/rule/limiter.ts'
import type { ContractInfo } from '../../contract/contract.ts'
import type { Operation } from '../../contract/operation.ts'
import type { ChannelState, ClientChannel, OutgoingCall } from '../client-transport.ts'
import { HeldInputs } from '../held-inputs.ts'
import { observeLogical, observeLogicalItems } from '../observed-channel.ts'
import { Breaker, breakerStage } from './breaker/breaker.ts'
import { type BulkheadSettings, bulkheadStage } from './bulkhead.ts'
import { cacheStage } from './answer/answer-cache.ts'
import { coalesceStage } from './answer/coalesce.ts'
import { fallbackStage } from './answer/fallback.ts'
import type { ClientJournal } from './client-journal.ts'
import { OpenedItems } from './repeat/opened-items.ts'
import { type PolicyClock, processClock } from './policy-clock.ts'
import { type PolicyState, policyStateOf } from './policy-state.ts'
import { type PolicyTimer, processTimer } from './policy-timer.ts'
import type { OperationSettings, RemoteSettings } from './remote-policy.ts'
import { repeatStage } from './repeat/repeat-stage.ts'
import { RetryBudget } from './repeat/retry-budget.ts'
import type { Asked, PolicyParts, Stage } from './stage.ts'

export interface PolicedOptions {
  readonly contract: ContractInfo
  readonly settings: RemoteSettings
  readonly journal: ClientJournal
  /** @defaultValue that of the process */
  readonly clock?: PolicyClock
  /** @defaultValue those of the process */
  readonly after?: PolicyTimer
}

/** Keeps the calls of a remote to its policies. An operation that has none goes straight through. */
export class PolicedChannel implements ClientChannel {
  readonly #inner: ClientChannel
  readonly #stages: ReadonlyMap<string, Stage>
  readonly #tell: () => PolicyState
  readonly #breaker: Breaker | undefined
  readonly #closing = new AbortController()

  constructor(
    inner: ClientChannel,
    { contract, settings, journal, clock = processClock, after = processTimer }: PolicedOptions,
  ) {
    const parts: PolicyParts = {
      clock,
      after,
      budget: new RetryBudget(settings.budget, clock),
      closing: this.#closing.signal,
      contract: contract.name,
      note: (decision) => journal.note({ contract: contract.name, ...decision }),
    }
    const breaker = settings.hasBreaker ? breakerOf(parts) : undefined
    const limiters = limitersBySettings()
    this.#inner = inner
    this.#breaker = breaker
    this.#tell = () => policyStateOf(contract, settings, { breaker, budget: parts.budget, limiters })
    this.#stages = new Map(
      contract.operations.flatMap((operation) => {
        const stage = stageOf(settings.of(operation), { ...parts, breaker, limiters })
        return stage ? [[operation.id, stage] as const] : []
      }),
    )
  }

  unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown> {
    const stage = this.#stages.get(operation.id)
    if (stage === undefined) return this.#inner.unary(operation, input, call)
    const send = (outgoing: OutgoingCall) => this.#inner.unary(operation, input, outgoing)
    return observeLogical(operation, call, (asked) =>
      stage({ operation, input, call: asked, isOutputStream: false, send }),
    )
  }

  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown> {
    const stage = this.#stages.get(operation.id)
    if (stage === undefined) return this.#inner.serverStream(operation, input, call)
    const send = (outgoing: OutgoingCall) => OpenedItems.open(this.#inner.serverStream(operation, input, outgoing))
    return observeLogicalItems(operation, call, (asked) =>
      received(stage, { operation, call: asked, isOutputStream: true, send }),
    )
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown> {
    const stage = this.#stages.get(operation.id)
    if (stage === undefined) return await this.#inner.clientStream(operation, inputs, call)
    const held = new HeldInputs(inputs)
    const send = (outgoing: OutgoingCall) => this.#inner.clientStream(operation, held.attempt(), outgoing)
    try {
      return await observeLogical(operation, call, (asked) =>
        stage({ operation, call: asked, isOutputStream: false, send, mayRepeat: () => held.isWhole }),
      )
    } finally {
      held.release()
    }
  }

  bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncIterable<unknown> {
    const stage = this.#stages.get(operation.id)
    if (stage === undefined) return this.#inner.bidiStream(operation, inputs, call)
    const held = new HeldInputs(inputs)
    const send = (outgoing: OutgoingCall) =>
      OpenedItems.open(this.#inner.bidiStream(operation, held.attempt(), outgoing))
    const mayRepeat = () => held.isWhole
    return observeLogicalItems(operation, call, (asked) =>
      received(stage, { operation, call: asked, isOutputStream: true, send, mayRepeat }, () => held.release()),
    )
  }

  /** What is in force now, and how it stands. */
  get policies(): PolicyState {
    return this.#tell()
  }

  state(): ChannelState {
    return this.#inner.state?.() ?? 'idle'
  }

  /** Calls that wait to be made again fail with what they failed with last. From here on none is refused: that is for who is closed to say. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#breaker?.leave()
    await this.#inner.close()
  }
}

function breakerOf({ clock, note }: PolicyParts): Breaker {
  return new Breaker({ clock, onChange: (state) => note({ decision: changes[state] }) })
}

const changes = { open: 'breaker_opened', closed: 'breaker_closed' } as const

/** Operations without a bulkhead of their own share that of the remote. */
function limitersBySettings(): (settings: BulkheadSettings) => Limiter {
  const made = new Map<BulkheadSettings, Limiter>()
  return (settings) => {
    const limiter = made.get(settings) ?? new Limiter(settings)
    made.set(settings, limiter)
    return limiter
  }
}

interface RemoteParts extends PolicyParts {
  readonly breaker: Breaker | undefined
  readonly limiters: (settings: BulkheadSettings) => Limiter
}

/** The policies of an operation around each other, the innermost first; undefined where it has none. */
function stageOf(settings: OperationSettings, parts: RemoteParts): Stage | undefined {
  const { retry, hedge, bulkhead, cache, isCoalesced, fallback } = settings
  const { breaker, limiters } = parts
  const layers = [
    (retry || hedge) && (() => repeatStage({ retry, hedge }, parts)),
    breaker && ((next: Stage) => breakerStage(breaker, parts, next)),
    bulkhead && ((next: Stage) => bulkheadStage(limiters(bulkhead), parts, next)),
    isCoalesced && ((next: Stage) => coalesceStage(parts, next)),
    cache && ((next: Stage) => cacheStage(cache, parts, next)),
    fallback && ((next: Stage) => fallbackStage(fallback, parts, next)),
  ].filter((layer) => typeof layer === 'function')
  return layers.length === 0 ? undefined : layers.reduce((stage, layer) => layer(stage), sendOnce)
}

const sendOnce: Stage = ({ send, call }) => send(call)

async function* received(stage: Stage, asked: Asked, release?: () => void): AsyncGenerator<unknown> {
  const ends = release ? [release] : []
  try {
    yield* (await stage({ ...asked, onEnd: (run) => ends.push(run) })) as AsyncIterable<unknown>
  } finally {
    for (const end of ends) end()
  }
}
