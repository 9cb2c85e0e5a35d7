import type { SimulatedTime } from './simulated-time.ts'

/** What an instance does with a call. */
export type Conduct =
  /** Answers, so many times slower than it would. */
  | { readonly kind: 'serves'; readonly slowness: number }
  /** Answers at once with an error. */
  | { readonly kind: 'fails' }
  /** Takes the call and says nothing. */
  | { readonly kind: 'hangs' }
  /** Is not there: no connection can be made. */
  | { readonly kind: 'gone' }

export interface InstanceOptions {
  readonly address: string
  readonly zone: string
  /** How many calls it works on at once. */
  readonly workerCount: number
  /** How many more may wait. */
  readonly queueLimit: number
  /** Half of it is the same for each call, the other half is a matter of chance. */
  readonly serviceMs: number
}

export type Reply = 'answered' | 'failed' | 'refused' | 'unreachable'

interface Waiting {
  readonly reply: (reply: Reply) => void
  readonly isGivenUp: () => boolean
}

/** One copy of a service: some workers, and a queue before them. */
export class SimulatedInstance {
  readonly address: string
  readonly zone: string
  /** Calls that came to it. */
  callCount = 0
  readonly #options: InstanceOptions
  readonly #time: SimulatedTime
  #conduct: Conduct = serving
  #queue: Waiting[] = []
  /** What its workers have. */
  readonly #work = new Set<Waiting>()
  /** What would have ended while it said nothing. */
  #halted: (() => void)[] = []

  constructor(options: InstanceOptions, time: SimulatedTime) {
    this.address = options.address
    this.zone = options.zone
    this.#options = options
    this.#time = time
  }

  get conduct(): Conduct {
    return this.#conduct
  }

  set conduct(conduct: Conduct) {
    this.#conduct = conduct
    if (conduct.kind === 'hangs') return
    for (const end of this.#halted.splice(0)) end()
  }

  /** A call comes in. What is given up before it is begun costs nothing. */
  take(waiting: Waiting): void {
    const { workerCount, queueLimit } = this.#options
    if (this.conduct.kind === 'gone') return void this.#time.after(connectMs, () => waiting.reply('unreachable'))
    this.callCount += 1
    if (this.conduct.kind === 'hangs') return
    if (this.conduct.kind === 'fails') return void this.#time.after(connectMs, () => waiting.reply('failed'))
    if (this.#work.size < workerCount) this.#serve(waiting, this.conduct.slowness)
    else if (this.#queue.length < queueLimit) this.#queue.push(waiting)
    else this.#time.after(connectMs, () => waiting.reply('refused'))
  }

  /** Goes away: whoever waits for it learns so at once, and nothing of what it had is left when it comes back. */
  vanish(): void {
    for (const { reply } of [...this.#work, ...this.#queue]) this.#time.after(connectMs, () => reply('failed'))
    this.#work.clear()
    this.#queue = []
    this.#halted = []
    this.conduct = gone
  }

  #serve(waiting: Waiting, slowness: number): void {
    const { serviceMs } = this.#options
    this.#work.add(waiting)
    const end = () => {
      if (!this.#work.delete(waiting)) return
      waiting.reply(this.conduct.kind === 'serves' ? 'answered' : 'failed')
      this.#next()
    }
    this.#time.after((serviceMs / 2 + this.#time.exponential(serviceMs / 2)) * slowness, () => {
      if (this.conduct.kind === 'hangs') this.#halted.push(end)
      else end()
    })
  }

  #next(): void {
    let next = this.#queue.shift()
    while (next?.isGivenUp()) next = this.#queue.shift()
    if (next === undefined) return
    this.#serve(next, this.conduct.kind === 'serves' ? this.conduct.slowness : 1)
  }
}

export const serving: Conduct = Object.freeze({ kind: 'serves', slowness: 1 })
const gone: Conduct = Object.freeze({ kind: 'gone' })

/** From one machine of a data centre to another and back. */
const connectMs = 1
