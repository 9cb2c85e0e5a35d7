import type { ConfigSource, ConfigTexts, ConfigWatchOptions } from '../../registry/config-source.ts'
import { Newest } from '../../registry/newest.ts'

/** A source of settings in this process, which a test writes to. */
export interface MemorySource extends ConfigSource {
  /** The watches that are open, and what they ask for. */
  readonly watches: ReadonlySet<ConfigWatchOptions>
  readonly closeCount: number
  /** All it has, from now on. */
  put(texts: ConfigTexts): void
  /** Fails one try of every watch. */
  fail(message: string): void
}

/** @param first What it has at once; without it, it has nothing to tell yet. */
export function memorySource(name = 'memory', first?: ConfigTexts): MemorySource {
  const watches = new Set<ConfigWatchOptions>()
  const puts = new Set<(texts: ConfigTexts) => void>()
  let texts = first
  let closeCount = 0
  return {
    name,
    watches,
    get closeCount() {
      return closeCount
    },
    put(all) {
      texts = all
      for (const put of puts) put(all)
    },
    fail(message) {
      for (const { onTrouble } of watches) onTrouble?.(new Error(message))
    },
    async *watch(options) {
      const newest = new Newest<ConfigTexts>()
      const put = (all: ConfigTexts) => newest.put(all)
      watches.add(options)
      puts.add(put)
      if (texts) put(texts)
      try {
        yield* newest.read(options.signal)
      } finally {
        watches.delete(options)
        puts.delete(put)
      }
    },
    close: async () => void (closeCount += 1),
  }
}
