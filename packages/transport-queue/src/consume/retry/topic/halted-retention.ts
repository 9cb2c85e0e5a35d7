import type { Logger } from '@tenon/core/transport'
import type { QueueDriver } from '../../../queue-driver.ts'
import type { QueueClock } from '../../../wait.ts'

export interface HaltedRetentionSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly driver: Pick<QueueDriver, 'retentionOf'>
  readonly clock: Pick<QueueClock, 'now'>
  readonly log: Logger
  readonly revoked: AbortSignal
  /** What messages are that are told of. */
  readonly stage: EndlessStage
  /** When the oldest message was stored there that is so, in epoch milliseconds; undefined without one. */
  oldestAt(): number | undefined
}

/** Stages without an end of their own. */
export type EndlessStage = 'halted' | 'buried'

/**
 * Warns while messages of a partition have been halted in its retry topic, or waited there to be buried, for more than half of the time for
 * which that keeps them: that has no end of its own, and they are lost then. Until the partition is given up.
 */
export function watchHaltedRetention(surroundings: HaltedRetentionSurroundings): void {
  const { revoked, driver } = surroundings
  if (revoked.aborted || driver.retentionOf === undefined) return
  let nextAt = 0
  const look = async () => {
    const { clock, oldestAt } = surroundings
    const storedAt = oldestAt()
    if (storedAt === undefined || clock.now() < nextAt) return
    nextAt = clock.now() + leastLookMs
    nextAt = Math.max(nextAt, await lookAt(storedAt, surroundings))
  }
  const timer = setInterval(() => void look(), leastLookMs).unref()
  revoked.addEventListener('abort', () => clearInterval(timer), { once: true })
}

/** Until when the topic needs not be asked about again. Never rejects. */
async function lookAt(
  storedAt: number,
  { topic, driver, clock, log, revoked, stage }: HaltedRetentionSurroundings,
): Promise<number> {
  // Who may not look at its settings, or gets no answer, knows nothing of them.
  const { keptMs = Number.POSITIVE_INFINITY } = (await driver.retentionOf?.(topic).catch(() => undefined)) ?? {}
  const now = clock.now()
  const dueAt = storedAt + keptMs / 2
  // It may be given a shorter one meanwhile.
  if (now < dueAt || revoked.aborted) return Math.min(dueAt, now + dayMs)
  const facts = { topic, keptMs, [`${stage}Since`]: dateText(storedAt), lostAfter: dateText(storedAt + keptMs) }
  const { state, cure } = words[stage]
  const text = `messages ${state} ${topic} until it removes them, and those of their keys behind them`
  log.warn(facts, `${text}: ${cure}, or the topic a longer retention.ms`)
  return now + keptMs / warningsPerRetention
}

const words = {
  halted: { state: 'are halted in', cure: 'give them attempts anew (retryHalted)' },
  buried: { state: 'wait to be buried in', cure: 'give the service the right to write to its dead-letter topic' },
} as const satisfies Record<EndlessStage, object>

function dateText(at: number): string {
  return new Date(at).toISOString()
}

/** Guesses, as are half of the retention, and how often it is told. */
const leastLookMs = 600_000
const dayMs = 86_400_000
const warningsPerRetention = 8
