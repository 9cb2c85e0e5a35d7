import { setImmediate } from 'node:timers'

/**
 * How long streams may go on in one turn of the event loop, all of the process together. A guess: what else waits is held up no
 * longer than by one call that computes a little, and a turn costs some microseconds.
 */
const turnMs = 5

/**
 * What a loop must wait for before it takes its next item, so that timers, probes and other calls get their turn; undefined
 * as long as this turn of the event loop is short, as it is where items are really waited for. Items that are there already come
 * by promises alone, and a loop over them would let nothing else run until its end.
 *
 * @see Node.js, "Don't block the event loop": promises go on before the loop does
 */
export function nextTurn(): Promise<void> | undefined {
  if (turn === undefined) {
    turn = { startedAtMs: nowMs(), over: undefined }
    setImmediate(endTurn)
    return undefined
  }
  if (nowMs() - turn.startedAtMs < turnMs) return undefined
  turn.over ??= Promise.withResolvers()
  return turn.over.promise
}

interface Turn {
  readonly startedAtMs: number
  /** Made when somebody waits for it. */
  over: PromiseWithResolvers<void> | undefined
}

/** The turn in which some stream goes on. */
let turn: Turn | undefined

/** Real time, whatever clock a test puts in its place: what counts is how long the thread is held. */
const nowMs = performance.now.bind(performance)

function endTurn(): void {
  const over = turn?.over
  turn = undefined
  over?.resolve()
}
