import type { ConsumerReport } from './watch/consumer-report.ts'

/** Whatever consumes in this process: a member of a group, or what gets every message. */
export interface ServedConsumer {
  /** For messages: `group count`. */
  readonly title: string
  /** What it has not before it has joined, after "has not". */
  readonly lack: string
  /** Undefined for what gets every message. */
  readonly group: string | undefined
  /** Why it is not ready, in words; nothing once it has been given what it reads, which may be nothing, and has begun with that. */
  readonly unready: readonly string[]
  /** What stands still, in words; nothing while all goes on. */
  readonly standstills: readonly string[]
  /** What holds up partitions that no new process would mend, in words. */
  readonly hindrances: readonly string[]
  /** Resolves when it has begun. @throws Error when it cannot, or the signal fires before. */
  join(signal: AbortSignal): Promise<void>
  /** Handles what nobody would handle after this process. */
  finish(signal: AbortSignal): Promise<void>
  /** Takes nothing more, and waits for what runs until the signal fires. Safe to call twice. */
  leave(signal: AbortSignal): Promise<void>
  /** Gives attempts anew to halted messages of a topic. How many there were; undefined for a topic that is not consumed here. */
  retryHalted(topic: string): number | undefined
  /** A report for each topic, once the broker has said how much is left. */
  report(): Promise<readonly ConsumerReport[]>
  /** What is known without asking the broker. */
  known(): readonly ConsumerReport[]
  /** Asks the broker how much is left. Never rejects. */
  refresh(): Promise<void>
}
