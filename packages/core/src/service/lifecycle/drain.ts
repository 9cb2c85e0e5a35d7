import type { Gate } from '../../call/gate.ts'
import { withTimeLimit } from '../../handler/time-limit.ts'
import type { DrainTime, TransportServer } from '../../transport/transport.ts'
import type { Background } from '../background/background.ts'
import { throwErrors, withAll } from './servers.ts'
import { untilFired } from './shutdown.ts'

/** What of a service brings work in, or is work. */
export interface DrainedParts {
  readonly servers: readonly TransportServer[]
  readonly background?: Pick<Background, 'drain'> | undefined
}

/** Ends the work of a service, and knows how much of it was cut. */
export class Drain {
  readonly #gate: Gate
  #cutAnswerCount = 0

  constructor(gate: Gate) {
    this.#gate = gate
  }

  /** Calls that were ended before their handlers were. */
  get cutCallCount(): number {
    return this.#gate.cutCount
  }

  /** Calls that were answered before, at their deadline or when their callers left, and whose handlers still worked when what runs was cut. */
  get abandonedCallCount(): number {
    return this.#gate.leftCount
  }

  /** Answers that transports could not write to their end. */
  get cutAnswerCount(): number {
    return this.#cutAnswerCount
  }

  /**
   * Refuses new work, asks background tasks to end, and waits for what runs, and for handlers that work on though their call was answered; cuts it when the signal fires. Transports that have accepted work to finish come
   * last, for what the others still answer may add to it.
   *
   * @throws AggregateError of all that failed.
   */
  async run({ servers, background }: DrainedParts, signal: AbortSignal, time: DrainTime): Promise<void> {
    const [last, first] = [servers.filter(hasAccepted), servers.filter((server) => !hasAccepted(server))]
    const failures: Error[] = []
    const gather = (work: Promise<void>) =>
      work.catch((failure: AggregateError) => void failures.push(...failure.errors))
    const cutAll = () => this.#gate.cutAll()
    this.#gate.closeToNew()
    if (signal.aborted) cutAll()
    else signal.addEventListener('abort', cutAll, { once: true })
    try {
      const firstDrained = Promise.all([
        gather(this.#drainAll(first, signal, time)),
        background && gather(background.drain(signal)),
      ])
      if (last.length > 0) {
        await Promise.race([firstDrained, untilFired(signal)])
        await gather(finishAll(last, signal))
      }
      const idle = this.#gate.shut()
      await Promise.all([firstDrained, gather(this.#drainAll(last, signal, time)), idle])
    } finally {
      signal.removeEventListener('abort', cutAll)
    }
    throwErrors(failures, 'the service could not drain')
  }

  /** Refuses new work and cuts what runs. */
  async cut(): Promise<void> {
    const idle = this.#gate.shut()
    this.#gate.cutAll()
    await idle
  }

  #drainAll(servers: readonly TransportServer[], signal: AbortSignal, time: DrainTime): Promise<void> {
    return withAll(servers, 'transports could not drain', async (server) => {
      const cutCount = (await server.drain(signal, time)) ?? 0
      this.#cutAnswerCount += cutCount
    })
  }
}

/** Longest time for accepted work. A guess: what fails for longer would hold up the end for nothing. */
const finishLimitMs = 5_000

function hasAccepted({ finish }: TransportServer): boolean {
  return finish !== undefined
}

function finishAll(servers: readonly TransportServer[], signal: AbortSignal): Promise<void> {
  return withAll(servers, 'transports could not finish', (server) =>
    withTimeLimit((limit) => server.finish?.(AbortSignal.any([limit, signal])), {
      timeoutMs: finishLimitMs,
      tooLate: () => new Error(`a transport did not finish what it had accepted within ${finishLimitMs} ms`),
    }),
  )
}
