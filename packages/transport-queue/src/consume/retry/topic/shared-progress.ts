import type { PartitionProgress, QueueDriver } from '../../../queue-driver.ts'
import { ThinLines } from '../../../thin-lines.ts'
import type { QueueClock } from '../../../wait.ts'

/** Asks how far a group has come. Partitions that ask in the same turn share one question, which is begun after all of them asked. */
export class SharedProgress {
  readonly #driver: Pick<QueueDriver, 'describe'>
  /** What is told once an hour for all partitions, for it is tried again and again. */
  readonly lines: ThinLines
  readonly #seen = new Set<string>()
  readonly #asked = new Map<string, Promise<readonly PartitionProgress[]>>()

  constructor(driver: Pick<QueueDriver, 'describe'>, clock: Pick<QueueClock, 'now'>) {
    this.#driver = driver
    this.lines = new ThinLines(clock, 3_600_000)
  }

  /** Whether nobody has asked for this topic before, or got no answer. */
  isFirst(topic: string): boolean {
    if (this.#seen.has(topic)) return false
    this.#seen.add(topic)
    return true
  }

  /** Who was first got no answer: the next one is first again. */
  unanswered(topic: string): void {
    this.#seen.delete(topic)
  }

  /** @throws as `describe` of the driver */
  describe(topic: string, group: string): Promise<readonly PartitionProgress[]> {
    const name = `${group} ${topic}`
    const asked = this.#asked.get(name) ?? this.#ask(name, () => this.#driver.describe(topic, group))
    this.#asked.set(name, asked)
    return asked
  }

  async #ask(
    name: string,
    describe: () => Promise<readonly PartitionProgress[]>,
  ): Promise<readonly PartitionProgress[]> {
    await Promise.resolve()
    this.#asked.delete(name)
    return describe()
  }
}
