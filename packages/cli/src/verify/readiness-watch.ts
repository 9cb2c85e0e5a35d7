import { get } from 'node:http'
import type { Address } from '@tenon/core'
import { reachable } from './front.ts'

/** As often as a balancer asks that is quick to act, in milliseconds; what counts is that it acts only on what it was told. */
const intervalMs = 50

/** Longest wait for an answer, in milliseconds. */
const longestMs = 1_000

/** What a probe was answered: yes, no, nothing in time, or nobody was there. */
export type ProbeAnswer = 'ready' | 'not_ready' | 'late' | 'gone'

/**
 * So many probes in a row without an answer make an instance one that is not ready: it, or the machine, may be busy.
 *
 * @see Kubernetes, failureThreshold of a probe: 3
 */
const lateLimit = 3

/**
 * Asks an instance again and again whether it is ready, one question after another, as a balancer does. A no counts at once.
 */
export class ReadinessWatch implements Disposable {
  #last: ProbeAnswer = 'gone'
  #lateCount = 0
  #isAsking = false
  #timer: NodeJS.Timeout | undefined
  readonly #ask: () => Promise<ProbeAnswer>
  readonly #answered: (answer: ProbeAnswer) => void

  constructor(ask: () => Promise<ProbeAnswer>, answered: (answer: ProbeAnswer) => void) {
    this.#ask = ask
    this.#answered = answered
    this.#timer = setInterval(() => void this.#look(), intervalMs)
  }

  get last(): ProbeAnswer {
    return this.#last
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    const answer = await this.#ask()
    this.#isAsking = false
    if (this.#timer === undefined) return
    this.#lateCount = answer === 'late' ? this.#lateCount + 1 : 0
    if (answer === 'late' && this.#lateCount < lateLimit) return
    this.#last = answer
    this.#answered(answer)
  }
}

/** Asks once. Never rejects. */
export function askReadiness({ host, port }: Address, path: string, timeoutMs = longestMs): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const request = get({ host: reachable(host), port, path, agent: false, timeout: timeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200 ? 'ready' : 'not_ready')
    })
    request.once('timeout', () => {
      resolve('late')
      request.destroy()
    })
    request.once('error', () => resolve('gone'))
  })
}
