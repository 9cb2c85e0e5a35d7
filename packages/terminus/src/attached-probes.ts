import type { ProbeName, ProbeReply, TransportHost } from '@tenon/core/transport'

/** The probes of the start that is under way or over; before the first, what every service says then. */
export class AttachedProbes {
  #answer: NonNullable<TransportHost['answerProbe']> = (name) => ({
    status: name === 'livez' ? 200 : 503,
    headers: {},
    body: JSON.stringify({ status: name === 'livez' ? 'pass' : 'fail' }),
  })

  /** What is checked and not started answers no probe. */
  follow({ answerProbe }: TransportHost): void {
    if (answerProbe) this.#answer = answerProbe
  }

  /** Terminus hands over neither the method nor the headers of a request. */
  answer(name: ProbeName, query: string | undefined): ProbeReply {
    return this.#answer(name, { method: 'GET', query, headers: {} })
  }
}
