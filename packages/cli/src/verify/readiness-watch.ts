import { get } from 'node:http'
import type { Address } from '@tenon/core'
import { reachable } from './balancer.ts'

/** As often as a balancer asks that is quick to act, in milliseconds; what counts is that it acts only on what it was told. */
const intervalMs = 50

/** Longest wait for an answer, in milliseconds. */
const timeoutMs = 1_000

/** What a probe was answered: yes, no, or nothing. */
export type ProbeAnswer = 'ready' | 'not_ready' | 'gone'

/** Asks an instance again and again whether it is ready, as a balancer does. */
export class ReadinessWatch implements Disposable {
  #last: ProbeAnswer = 'gone'
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
    const answer = await this.#ask()
    if (this.#timer === undefined) return
    this.#last = answer
    this.#answered(answer)
  }
}

/** Asks once. Never rejects. */
export function askReadiness({ host, port }: Address, path: string): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const request = get({ host: reachable(host), port, path, agent: false, timeout: timeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200 ? 'ready' : 'not_ready')
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve('gone'))
  })
}
