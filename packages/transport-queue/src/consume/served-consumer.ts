import type { ConsumedTopics } from './group/consumed-topics.ts'

/** Whatever consumes in this process: a member of a group, or what gets every message. */
export interface ServedConsumer {
  /** For messages: `group count`. */
  readonly title: string
  /** What it has not before it has joined, after "has not". */
  readonly lack: string
  /** Undefined for what gets every message. */
  readonly group: string | undefined
  /** What is looked at and told of what it consumes. */
  readonly topics: Pick<
    ConsumedTopics,
    'standstills' | 'report' | 'known' | 'refresh' | 'retryHalted' | 'pressureChanged'
  >
  /** Why it is not ready, in words; nothing once it has been given what it reads, which may be nothing, and has begun with that. */
  readonly unready: readonly string[]
  /** What holds up partitions that no new process would mend, in words. */
  readonly hindrances: readonly string[]
  /** Resolves when it has begun. @throws Error when it cannot, or the signal fires before. */
  join(signal: AbortSignal): Promise<void>
  /** Handles what nobody would handle after this process. */
  finish(signal: AbortSignal): Promise<void>
  /** Takes nothing more, and waits for what runs until the signal fires. Safe to call twice. */
  leave(signal: AbortSignal): Promise<void>
}
