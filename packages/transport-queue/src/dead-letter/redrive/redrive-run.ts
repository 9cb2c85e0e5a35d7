import { randomUUID } from 'node:crypto'
import { ServiceError } from '@tenon/core/transport'
import { errorText } from '../../error-text.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { AuditLog } from '../audit/audit-log.ts'
import { type AuditedLetter, auditTopic, type RunResult } from '../audit/audit-record.ts'
import { messageKey } from '../audit/audit-trail.ts'
import { BatchSender, type SendOutcome } from './batch-sender.ts'
import { type LetterMessage, readMessages } from './letter-messages.ts'
import { requireGoingOn } from './going-on.ts'
import type { RedriveSettings } from './redrive-options.ts'
import type { SelectedLetter } from './redrive-plan.ts'
import type { RedriveHindrance } from './redriven-record.ts'
import { settleRuns } from './settle-runs.ts'

/**
 * What becomes of a letter. `redriven`, or would be; `already_redriven`, also when another letter of the same message was;
 * `same_message` as a letter before it; `uncertain` if it was; `not_whole` or `expired`, as `redriveDeadLetter` refuses; `gone` by
 * retention; `refused` by the broker for what it is, such as its size; `not_reached` because of `maxCount`.
 */
export type LetterOutcome =
  | 'redriven'
  | 'already_redriven'
  | 'same_message'
  | 'uncertain'
  | 'not_reached'
  | 'gone'
  | 'refused'
  | RedriveHindrance

export interface SettledLetter {
  readonly letter: SelectedLetter
  readonly outcome: LetterOutcome
  readonly patched: readonly string[]
}

/** One time that somebody redrives letters. */
export class RedriveRun {
  readonly id: string = randomUUID()
  readonly #driver: QueueDriver
  readonly #settings: RedriveSettings
  readonly #log: AuditLog
  readonly #sender: BatchSender
  readonly #settled: SettledLetter[] = []
  readonly #seenMessages = new Set<string>()
  #redrivenCount = 0

  constructor(driver: QueueDriver, settings: RedriveSettings) {
    const { owner, timeoutMs, clock } = settings
    this.#driver = driver
    this.#settings = settings
    // Not the signal: what was begun is told to its end.
    this.#log = new AuditLog(driver, owner, { timeoutMs, clock })
    this.#sender = new BatchSender({ driver, settings, log: this.#log, run: this.id })
  }

  /** What is to be said of the audit; undefined while nothing is. */
  get warning(): string | undefined {
    const { forgottenBeforeAt, shortage } = this.#log
    const topic = auditTopic(this.#settings.owner)
    if (forgottenBeforeAt === undefined)
      return (
        shortage && `topic ${topic} ${shortage}: it has to keep them for ever (cleanup.policy=delete, retention.ms=-1)`
      )
    const isOpen = ({ letter, outcome }: SettledLetter) =>
      outcome !== 'already_redriven' && outcome !== 'same_message' && this.#isForgotten(letter)
    const count = this.#settled.filter(isOpen).length
    const text = `topic ${topic} has lost its oldest steps, so nobody can tell whether ${count} of the letters were redriven before`
    return `${text}: it has to keep records for ever (retention.ms=-1)`
  }

  /** Tells what would become of letters, and writes nothing. @throws ServiceError */
  async rehearse(selected: readonly SelectedLetter[]): Promise<readonly SettledLetter[]> {
    await this.#log.look()
    await this.#log.catchUp()
    for (const step of await this.#findSettled()) this.#log.trail.add(step)
    await this.#redrive(selected, async (batch) => batch.forEach((message) => this.#settleMessage(message, 'redriven')))
    return this.#settled
  }

  /** Puts letters back, in their order. @throws ServiceError that tells how far it came */
  async carryOut(selected: readonly SelectedLetter[]): Promise<readonly SettledLetter[]> {
    const { by, selection } = this.#settings
    await this.#log.ensure()
    await this.#log.begin({ kind: 'begun', run: this.id, at: this.#now, by, selection }).catch((error: unknown) => {
      throw this.#withCount(error)
    })
    try {
      await this.#log.readBack(this.id)
      await this.#settleOlder()
      await this.#redrive(selected, (batch) =>
        this.#sender.send(batch, (message, outcome) => this.#settleMessage(message, outcome)),
      )
    } catch (error) {
      await this.#end(resultOf(error), error).catch(() => undefined)
      throw this.#withCount(error)
    }
    await this.#end('complete').catch((error: unknown) => {
      throw this.#withCount(error)
    })
    return this.#settled
  }

  get #now(): number {
    return this.#settings.clock.now()
  }

  /**
   * What an older run was about to send may still be on its way, and is not any more after the time that it said itself. What it is about
   * to send from now on it does not, because it looks first.
   */
  async #settleOlder(): Promise<void> {
    const { clock, timeoutMs, signal } = this.#settings
    this.#log.requireNewest(this.id)
    const open = this.#log.trail.runs.flatMap((run) => run.open ?? [])
    if (open.length === 0) return
    await clock.wait(Math.max(timeoutMs, ...open.map(({ arrivesWithinMs = 0 }) => arrivesWithinMs)), signal)
    requireGoingOn(signal)
    await this.#log.catchUp()
    this.#log.requireNewest(this.id)
    for (const step of await this.#findSettled()) await this.#log.append(step)
  }

  #findSettled() {
    return settleRuns(this.#log.trail.runs, { driver: this.#driver, settings: this.#settings, run: this.id })
  }

  async #redrive(selected: readonly SelectedLetter[], send: (batch: readonly LetterMessage[]) => Promise<void>) {
    const { maxCount } = this.#settings
    const toGo = selected.filter((letter) => this.#mayGo(letter))
    for (let index = 0; index < toGo.length; ) {
      requireGoingOn(this.#settings.signal)
      const { count, bytes } = this.#sender.most
      const batch = batchOf(toGo, { index, bytes, count: Math.min(maxCount - this.#redrivenCount, count) })
      if (batch.length === 0) return toGo.slice(index).forEach((letter) => this.#settle(letter, 'not_reached'))
      const messages = await readMessages(this.#driver, batch, this.#settings)
      for (const { letter, hindrance, audited } of messages) if (hindrance) this.#settle(letter, hindrance, audited)
      await send(messages.filter(({ record }) => record !== undefined))
      index += batch.length
    }
  }

  #mayGo(letter: SelectedLetter): boolean {
    const { trail } = this.#log
    const message = messageKey(letter)
    const isSeen = this.#seenMessages.has(message)
    this.#seenMessages.add(message)
    if (trail.isRedriven(letter)) return this.#settle(letter, 'already_redriven')
    if (isSeen) return this.#settle(letter, 'same_message')
    if (!(trail.isUncertain(letter) || this.#isForgotten(letter)) || this.#settings.repeatsUncertain) return true
    return this.#settle(letter, 'uncertain')
  }

  /** Whether the audit may have lost that it was put back. */
  #isForgotten({ failedAt }: SelectedLetter): boolean {
    const { forgottenBeforeAt } = this.#log
    // One whose moment cannot be read may be of any.
    return forgottenBeforeAt !== undefined && !(failedAt >= forgottenBeforeAt)
  }

  #settle(letter: SelectedLetter, outcome: LetterOutcome, { patched = [] }: Partial<AuditedLetter> = {}): false {
    if (outcome === 'redriven') this.#redrivenCount++
    this.#settled.push({ letter, outcome, patched })
    return false
  }

  #settleMessage({ letter, audited }: LetterMessage, outcome: SendOutcome): void {
    this.#settle(letter, outcome, audited)
  }

  async #end(result: RunResult, error?: unknown): Promise<void> {
    const told = error === undefined ? {} : { error: errorText(error, 300) }
    await this.#log.append({ kind: 'ended', run: this.id, at: this.#now, result, ...told })
  }

  #withCount(cause: unknown): ServiceError {
    const { id: run } = this
    const redrivenCount = this.#redrivenCount
    const { code, reason, details } = ServiceError.is(cause) ? cause : new ServiceError('internal', '')
    const text = errorText(cause, 1_000)
    const message =
      redrivenCount === 0
        ? text
        : `${text}; ${redrivenCount} letters were redriven before, and are not again by another run`
    const told = { ...details, run, redrivenCount }
    return new ServiceError(code, message, { cause, details: told, ...(reason !== undefined && { reason }) })
  }
}

/** The next letters: at least one, however large it is, where any may go. */
function batchOf(
  letters: readonly SelectedLetter[],
  { index, count, bytes }: { readonly index: number; readonly count: number; readonly bytes: number },
): readonly SelectedLetter[] {
  const batch: SelectedLetter[] = []
  let byteCount = 0
  for (const letter of letters.slice(index, index + count)) {
    byteCount += letter.byteCount
    if (batch.length > 0 && byteCount > bytes) break
    batch.push(letter)
  }
  return batch
}

function resultOf(error: unknown): RunResult {
  const code = ServiceError.is(error) ? error.code : undefined
  if (code === 'aborted') return 'replaced'
  return code === 'cancelled' ? 'cancelled' : 'failed'
}
