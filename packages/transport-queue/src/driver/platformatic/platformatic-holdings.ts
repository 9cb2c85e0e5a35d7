import { giveUp } from '../ownership.ts'
import { type DoneOffset, PartitionFeed } from '../partition-feed.ts'
import { PlatformaticFetcher } from '../platformatic-wire/platformatic-fetcher.ts'
import type { PlatformaticGroup } from '../platformatic-wire/platformatic-group.ts'
import { commitOffset, type MemberIdentity, type TopicPartitions } from '../platformatic-wire/platformatic-offsets.ts'

/** The partitions that a member works on, whatever rules its group shares them by. */
export class PlatformaticHoldings {
  readonly #group: PlatformaticGroup
  readonly #fetcher: PlatformaticFetcher
  readonly #feeds = new Map<string, PartitionFeed>()

  constructor(group: PlatformaticGroup) {
    this.#group = group
    this.#fetcher = new PlatformaticFetcher(group)
  }

  /** What it works on, also what is being given up. */
  get held(): readonly TopicPartitions[] {
    const byTopic = Map.groupBy(this.#feeds.values(), ({ topic }) => topic)
    return Array.from(byTopic, ([topic, feeds]) => ({ topic, partitions: feeds.map(({ partition }) => partition) }))
  }

  /** Begins to work on partitions. The identity is asked for with every commit. */
  take(added: readonly TopicPartitions[], identity: () => MemberIdentity): void {
    const feeds = added.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => {
        const commit = (feed: PartitionFeed, done: DoneOffset) => commitOffset(this.#group, { feed, done, identity })
        return new PartitionFeed({ topic, partition, commit })
      }),
    )
    for (const feed of feeds) {
      this.#feeds.set(idOf(feed), feed)
      void this.#group.membership.consume(feed).finally(() => feed.settle())
    }
    this.#fetcher.add(feeds, identity)
  }

  /** Lets running messages of these partitions finish; loses what has not when the signal fires. */
  async giveUp(given: readonly TopicPartitions[], signal: AbortSignal): Promise<void> {
    const feeds = given
      .flatMap(({ topic, partitions }) => partitions.map((partition) => this.#feeds.get(idOf({ topic, partition }))))
      .filter((feed) => feed !== undefined)
    await giveUp(feeds, signal)
    for (const feed of feeds) if (this.#feeds.get(idOf(feed)) === feed) this.#feeds.delete(idOf(feed))
  }

  /** Loses all. */
  lose(): void {
    for (const feed of this.#feeds.values()) feed.lose()
    this.#feeds.clear()
  }

  /** Fetches nothing more. */
  end(): void {
    this.#fetcher.end()
  }
}

function idOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}
