import { liveBytes } from './live-bytes.ts'

/** What a program is to do once, from the first message to the last. */
export interface Turn {
  readonly topic: string
  /** A consumer group that nobody had before, so that it begins with the first message. */
  readonly group: string
  readonly messageCount: number
  /** How many a program sends; as fast as they are taken without it. */
  readonly perSecond?: number
  /** Messages at its beginning whose latency does not count. @defaultValue 0 */
  readonly leadCount?: number
  /** Ends the turn so long after its first message, whatever is missing. */
  readonly mostMs?: number
  /** Collects garbage now and then to see what is held, which takes time of its own. */
  readonly isHeapRead?: boolean
}

/** What it took. */
export interface TurnResult {
  /** Fewer than were asked for where the turn took too long. */
  readonly messageCount: number
  readonly cpuMicroseconds: number
  readonly seconds: number
  /**
   * What was held beyond what was held before the turn, at the lowest of the looks in its second half: what a client has fetched
   * ahead comes and goes by megabytes above that. 0 where it was not read.
   */
  readonly heldBytes: number
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
  const meter = new TurnMeter(turn)
  const end = await run(turn, (sentAtMs) => meter.count(sentAtMs))
  process.send?.('joined')
  process.send?.(await meter.result)
  await end()
  process.send?.('ended')
}

/** Counts messages, and what they cost from the first to the last. */
class TurnMeter {
  readonly #turn: Turn
  /** Messages from one look at the heap to the next. */
  readonly #heapReadEach: number
  readonly #bytesBefore: number
  /** At each look, in their order. */
  readonly #heldBytes: number[] = []
  readonly #latenciesMs: number[] = []
  readonly #done = Promise.withResolvers<TurnResult>()
  #count = 0
  #cpu = process.cpuUsage()
  #startedAtMs = 0

  constructor(turn: Turn) {
    this.#turn = turn
    this.#heapReadEach = turn.isHeapRead ? Math.floor(turn.messageCount / heapReadCount) : Number.POSITIVE_INFINITY
    this.#bytesBefore = turn.isHeapRead ? liveBytes() : 0
  }

  get result(): Promise<TurnResult> {
    return this.#done.promise
  }

  count(sentAtMs?: number): void {
    if (this.#count === 0) this.#start()
    this.#count += 1
    const isSteady = this.#count > (this.#turn.leadCount ?? 0)
    if (sentAtMs !== undefined && isSteady) this.#latenciesMs.push(preciseNowMs() - sentAtMs)
    if (this.#count % this.#heapReadEach === 0) this.#heldBytes.push(liveBytes() - this.#bytesBefore)
    if (this.#count === this.#turn.messageCount) this.#finish()
  }

  #start(): void {
    const { mostMs } = this.#turn
    if (mostMs !== undefined) setTimeout(() => this.#finish(), mostMs).unref()
    this.#cpu = process.cpuUsage()
    this.#startedAtMs = performance.now()
  }

  #finish(): void {
    const { user, system } = process.cpuUsage(this.#cpu)
    const seconds = (performance.now() - this.#startedAtMs) / 1_000
    const latencies = this.#latenciesMs.toSorted((one, other) => one - other)
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
    this.#done.resolve({
      messageCount: this.#count,
      cpuMicroseconds: user + system,
      seconds,
      heldBytes: this.#heldAtLeast(),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    })
  }

  #heldAtLeast(): number {
    const later = this.#heldBytes.slice(heapReadCount / 2)
    return later.length === 0 ? 0 : Math.max(0, Math.min(...later))
  }
}

/** Looks at the heap in a turn. */
const heapReadCount = 8

function isTurn(question: unknown): question is Turn {
  return typeof question === 'object' && question !== null && 'messageCount' in question
}
