import type { Logger } from '@tenon/core/transport'
import type { QueueDriver } from '../../queue-driver.ts'
import type { QueueClock } from '../../wait.ts'

export interface HaltedRetentionSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly driver: Pick<QueueDriver, 'retentionOf'>
  readonly clock: Pick<QueueClock, 'now'>
  readonly log: Logger
  readonly revoked: AbortSignal
  /** When the oldest message was stored there that is halted, in epoch milliseconds; undefined without one. */
  oldestAt(): number | undefined
}

/**
 * Warns while messages of a partition have been halted in its retry topic for more than half of the time for which that keeps them: what is
 * halted has no end of its own, and is lost then. Until the partition is given up.
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
  { topic, driver, clock, log, revoked }: HaltedRetentionSurroundings,
): Promise<number> {
  // Who may not look at its settings, or gets no answer, knows nothing of them.
  const { keptMs = Number.POSITIVE_INFINITY } = (await driver.retentionOf?.(topic).catch(() => undefined)) ?? {}
  const now = clock.now()
  const dueAt = storedAt + keptMs / 2
  // It may be given a shorter one meanwhile.
  if (now < dueAt || revoked.aborted) return Math.min(dueAt, now + dayMs)
  const facts = { topic, keptMs, haltedSince: dateText(storedAt), lostAfter: dateText(storedAt + keptMs) }
  const cure = 'give them attempts anew (retryHalted), or the topic a longer retention.ms'
  log.warn(facts, `messages are halted in ${topic} until it removes them, and those of their keys behind them: ${cure}`)
  return now + keptMs / warningsPerRetention
}

function dateText(at: number): string {
  return new Date(at).toISOString()
}

/** Guesses, as are half of the retention, and how often it is told. */
const leastLookMs = 600_000
const dayMs = 86_400_000
const warningsPerRetention = 8
