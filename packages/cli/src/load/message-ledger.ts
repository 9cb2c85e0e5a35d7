import type { HandledMessage } from '../instance/instance-message.ts'
import type { CallResult, Count } from './tally.ts'
import { Tally } from './tally.ts'

/** What is counted of messages. A message of several groups counts once for each. */
export interface MessageCount extends Count {
  /** Published, and never handled to its end. */
  readonly lost: number
  /** Handled to a good end more than once. */
  readonly duplicated: number
  /** How many are lost, by topic and group. */
  readonly lostBy: readonly LostMessages[]
}

export interface LostMessages {
  readonly topic: string
  readonly group: string
  readonly count: number
}

interface Delivery {
  readonly topic: string
  readonly group: string
  handledCount: number
  /** Why its handler failed last. */
  code: string | undefined
}

/** Keeps of every message who has handled it. */
export class MessageLedger {
  readonly #deliveries = new Map<string, Delivery>()
  readonly #publishing = new Tally()
  #changedAtMs = performance.now()

  /** A message that goes out under an id, to all groups of its topic. */
  sent(id: string, topic: string, groups: readonly string[]): void {
    this.#publishing.sent()
    this.#changedAtMs = performance.now()
    for (const group of groups)
      this.#deliveries.set(keyOf(id, topic, group), { topic, group, handledCount: 0, code: undefined })
  }

  /** One that could not be published is not expected to arrive. */
  notPublished(id: string, topic: string, { groups, result }: { groups: readonly string[]; result: CallResult }): void {
    this.#publishing.note(topic, result)
    for (const group of groups) this.#deliveries.delete(keyOf(id, topic, group))
  }

  handled({ id, topic, group, code }: HandledMessage, isAnswer: (code: string) => boolean): void {
    const delivery = this.#deliveries.get(keyOf(id, topic, group))
    if (delivery === undefined) return
    this.#changedAtMs = performance.now()
    if (code === undefined || isAnswer(code)) delivery.handledCount += 1
    else delivery.code = code
  }

  /** Whether every message was handled to a good end. */
  get isSettled(): boolean {
    return [...this.#deliveries.values()].every(({ handledCount }) => handledCount > 0)
  }

  hasHandled(topic: string): boolean {
    return [...this.#deliveries.values()].some(
      (one) => one.topic === topic && (one.handledCount > 0 || one.code !== undefined),
    )
  }

  /** Resolves when all messages are handled, or nothing has come of any for so long. */
  settle(quietMs: number): Promise<void> {
    return this.#until(() => this.isSettled, quietMs)
  }

  /** As `settle`, but a handler that has failed once is enough. */
  settleOnce(quietMs: number): Promise<void> {
    const isTried = ({ handledCount, code }: Delivery) => handledCount > 0 || code !== undefined
    return this.#until(() => [...this.#deliveries.values()].every(isTried), quietMs)
  }

  count(): MessageCount {
    const tally = new Tally()
    const deliveries = [...this.#deliveries.values()]
    for (const { topic, handledCount, code } of deliveries) {
      tally.sent()
      if (handledCount > 0) tally.note(topic, { ok: true })
      else if (code !== undefined) tally.note(topic, { ok: false, code, message: 'its handler failed each time' })
    }
    const lost = deliveries.filter(({ handledCount, code }) => handledCount === 0 && code === undefined)
    const handled = tally.count()
    const publishing = this.#publishing.count()
    return {
      sent: handled.sent + publishing.failed,
      succeeded: handled.succeeded,
      failed: handled.failed + publishing.failed,
      failures: [...publishing.failures, ...handled.failures],
      lost: lost.length,
      duplicated: deliveries.filter(({ handledCount }) => handledCount > 1).length,
      lostBy: [...Map.groupBy(lost, ({ topic, group }) => `${topic} ${group}`).values()].flatMap(
        ([first, ...others]) => (first ? [{ topic: first.topic, group: first.group, count: others.length + 1 }] : []),
      ),
    }
  }

  async #until(isEnough: () => boolean, quietMs: number): Promise<void> {
    while (!isEnough() && performance.now() - this.#changedAtMs < quietMs)
      await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

/** How often it is looked whether all is settled, in milliseconds. */
const lookMs = 50

function keyOf(id: string, topic: string, group: string): string {
  return `${id} ${topic} ${group}`
}
