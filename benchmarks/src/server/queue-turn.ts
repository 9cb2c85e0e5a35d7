/** What a program is to do once, from the first message to the last. */
export interface Turn {
  readonly topic: string
  /** A consumer group that nobody had before, so that it begins with the first message. */
  readonly group: string
  readonly messageCount: number
  /** How many a program sends; as fast as they are taken without it. */
  readonly perSecond?: number
}

/** What it took. */
export interface TurnResult {
  readonly cpuMicroseconds: number
  readonly seconds: number
  /** From sending to handling, for those whose sending is known. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Told after each message, with the time of its sending where that counts. */
export type Handled = (sentAtMs?: number) => void

/** Does a turn; resolves with what ends it. */
export type RunTurn = (turn: Turn, handled: Handled) => Promise<() => Promise<void>>

/** Milliseconds since 1970, finer than `Date.now()`. */
export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Does the turns that the measuring process asks for. The clock runs from the first message to the last: joining is not counted. */
export function serveTurns(run: RunTurn): void {
  process.on('message', (question) => {
    if (isTurn(question)) void doTurn(run, question)
  })
}

/** Says `joined` when the consumer has its partitions, then the result, then `ended` when it has left. */
async function doTurn(run: RunTurn, turn: Turn): Promise<void> {
  const meter = new TurnMeter(turn.messageCount)
  const end = await run(turn, (sentAtMs) => meter.count(sentAtMs))
  process.send?.('joined')
  process.send?.(await meter.result)
  await end()
  process.send?.('ended')
}

/** Counts messages, and what they cost from the first to the last. */
class TurnMeter {
  readonly #messageCount: number
  readonly #latenciesMs: number[] = []
  readonly #done = Promise.withResolvers<TurnResult>()
  #count = 0
  #cpu = process.cpuUsage()
  #startedAtMs = 0

  constructor(messageCount: number) {
    this.#messageCount = messageCount
  }

  get result(): Promise<TurnResult> {
    return this.#done.promise
  }

  count(sentAtMs?: number): void {
    if (this.#count === 0) [this.#cpu, this.#startedAtMs] = [process.cpuUsage(), performance.now()]
    this.#count += 1
    if (sentAtMs !== undefined) this.#latenciesMs.push(preciseNowMs() - sentAtMs)
    if (this.#count === this.#messageCount) this.#finish()
  }

  #finish(): void {
    const { user, system } = process.cpuUsage(this.#cpu)
    const seconds = (performance.now() - this.#startedAtMs) / 1_000
    const latencies = this.#latenciesMs.toSorted((one, other) => one - other)
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
    this.#done.resolve({ cpuMicroseconds: user + system, seconds, p50Ms: at(0.5), p99Ms: at(0.99) })
  }
}

function isTurn(question: unknown): question is Turn {
  return typeof question === 'object' && question !== null && 'messageCount' in question
}
