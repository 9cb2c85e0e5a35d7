import type { Gate } from '../call/gate.ts'
import type { TransportServer } from '../transport/transport.ts'
import { withAll } from './servers.ts'

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

  /** Answers that transports could not write to their end. */
  get cutAnswerCount(): number {
    return this.#cutAnswerCount
  }

  /** Refuses new work and waits for what runs; cuts it when the signal fires. */
  async run(servers: readonly TransportServer[], signal: AbortSignal): Promise<void> {
    const idle = this.#gate.shut()
    const cutAll = () => this.#gate.cutAll()
    if (signal.aborted) cutAll()
    else signal.addEventListener('abort', cutAll, { once: true })
    try {
      const drained = withAll(servers, 'transports could not drain', async (server) => {
        const cutCount = (await server.drain(signal)) ?? 0
        this.#cutAnswerCount += cutCount
      })
      await Promise.allSettled([drained, idle])
      await drained
    } finally {
      signal.removeEventListener('abort', cutAll)
    }
  }

  /** Refuses new work and cuts what runs. */
  async cut(): Promise<void> {
    const idle = this.#gate.shut()
    this.#gate.cutAll()
    await idle
  }
}
