import { ServiceError } from '@tenon/core/transport'
import { type CallKind, CutStream, type UserCaller } from './user-caller.ts'

/** One call that is over. */
export interface EndedCall {
  readonly phase: string
  readonly kind: CallKind
  /** From when it was due, which is when it began unless this process was late. */
  readonly tookMs: number
  /** What it failed with, by its code; `cut stream` for one that failed behind its first item. */
  readonly failure?: string
}

/** Calls of every kind at a steady rate, whatever becomes of those before. */
export class OpenCalls {
  readonly #caller: UserCaller
  readonly #intervalMs: number
  readonly #timer: NodeJS.Timeout
  readonly #running = new Set<Promise<void>>()
  readonly #waiting = new Set<() => void>()
  readonly #ended: EndedCall[] = []
  #phase = ''
  #begunCount = 0
  #nextAtMs = performance.now()

  constructor(caller: UserCaller, perSecond: number) {
    this.#caller = caller
    this.#intervalMs = 1_000 / perSecond
    this.#timer = setInterval(() => this.#beginDue(), tickMs)
  }

  /** Calls that begin from now on belong to it. */
  enter(phase: string): void {
    this.#phase = phase
  }

  /** Resolves when so many more calls have begun, which is a time. */
  async begun(count: number): Promise<void> {
    const goal = this.#begunCount + count
    while (this.#begunCount < goal) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /** Begins no more, and gives all that were made once they have ended. */
  async finish(): Promise<readonly EndedCall[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#running)
    return this.#ended
  }

  #beginDue(): void {
    const nowMs = performance.now()
    // What this process stood still for is not made up for: a busy machine would have still more to do.
    if (nowMs - this.#nextAtMs > longestLateMs) this.#nextAtMs = nowMs
    for (; this.#nextAtMs <= nowMs; this.#nextAtMs += this.#intervalMs) this.#begin(this.#nextAtMs)
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #begin(dueAtMs: number): void {
    const kind = mix[this.#begunCount % mix.length] ?? 'get'
    const phase = this.#phase
    this.#begunCount += 1
    const end = (failed?: { readonly failure: string }) =>
      void this.#ended.push({ phase, kind, tookMs: performance.now() - dueAtMs, ...failed })
    const running = this.#caller.call[kind]().then(
      () => end(),
      (error: unknown) => end({ failure: toFailure(error) }),
    )
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }
}

function toFailure(error: unknown): string {
  if (error instanceof CutStream) return 'cut stream'
  return ServiceError.is(error) ? `${error.code}: ${error.message}` : String(error)
}

const tickMs = 5
const longestLateMs = 500

/** Of ten calls, six are for what is read most often. */
const mix: readonly CallKind[] = ['get', 'watch', 'get', 'rename', 'get', 'get', 'add', 'get', 'watch', 'get']
