import { setTimeout as wait } from 'node:timers/promises'
import type { Try } from '@tenon/core/registry'
import type { AgentAnswer } from './consul-agent.ts'
import { TokenBucket } from './token-bucket.ts'

/** What is followed. */
export interface Followed {
  /** Everything, at once. */
  list(signal: AbortSignal): Promise<AgentAnswer>
  /** As little as can be, held back by the agent until the index is another one than this, or the time is over. */
  bell(index: number, signal: AbortSignal): Promise<AgentAnswer>
  /** Whether an answer to the bell shows a change all the same, although its index is the old one. @defaultValue never */
  isOther?(bell: AgentAnswer): boolean
  /** Told every list, changed or not. */
  show(answer: AgentAnswer): void
}

/**
 * Reads a list, and again whenever its index has changed, until something fails or the signal fires. The list itself is never
 * waited for: an agent that waits in vain would send all of it in the end.
 *
 * An index that went backwards is another one, so that the list is read anew without it; one that is zero counts as 1; and
 * what changes all the time is read a few times at once, then twice a second.
 *
 * @see Consul API, Blocking Queries, Implementation Details
 */
export async function followIndex({ list, bell, show, isOther = () => false }: Followed, one: Try): Promise<void> {
  const { signal } = one
  const bucket = new TokenBucket(pace)
  for (;;) {
    const answer = led(await list(signal))
    show(answer)
    for (;;) {
      const rung = await bell(answer.index, signal)
      // Not before: what answers lists and holds nothing back would be asked for lists without end.
      one.succeeded()
      await pause(bucket, signal)
      if (rung.index !== answer.index || isOther(rung)) break
    }
  }
}

/** Guesses: what changes is seen within half a second, and 1,000 instances that come up at once are not 1,000 lists. */
const pace = { burst: 5, refillMs: 500 } as const

/** A list of a server that knows of no leader may be of long ago, or empty because it has just begun. */
function led(answer: AgentAnswer): AgentAnswer {
  if (!answer.isLeaderKnown)
    throw new Error('the server of Consul that answered knows of no leader: what it says may be old')
  return answer
}

/** Waits until the next request is allowed. */
export async function pause(bucket: TokenBucket, signal: AbortSignal): Promise<void> {
  const waitMs = bucket.take(performance.now())
  if (waitMs > 0) await wait(waitMs, undefined, { signal, ref: false })
}
