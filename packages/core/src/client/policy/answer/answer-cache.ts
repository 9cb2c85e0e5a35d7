import type { OptionCheck } from '../../../error/option-check.ts'
import type { SetupProblem } from '../../../error/setup-error.ts'
import type { PolicyClock } from '../policy-clock.ts'
import { askedKey } from './asked-key.ts'
import type { PolicyParts, Stage } from '../stage.ts'

/** How long answers are used again. */
export interface CachePolicy {
  /** How long an answer is used again, from when it came. @remarks Range 1–86_400_000 ms */
  readonly ttlMs: number
  /**
   * Most answers that are kept of one operation; those that were not used for longest go first.
   *
   * @defaultValue 1_000, a guess
   * @remarks Range 1–1_000_000
   */
  readonly maxEntryCount?: number
}

export type CacheSettings = Required<CachePolicy>

export function resolveCache({ ttlMs, maxEntryCount = 1_000 }: CachePolicy): CacheSettings {
  return Object.freeze({ ttlMs, maxEntryCount })
}

/** @param where `policy.cache` */
export function checkCache(check: OptionCheck, where: string, cache: CachePolicy): readonly SetupProblem[] {
  return [
    ...check.names(cache, ['ttlMs', 'maxEntryCount'], where),
    ...check.integer(`${where}.ttlMs`, cache.ttlMs ?? null, { min: 1, max: 86_400_000 }),
    ...check.integer(`${where}.maxEntryCount`, cache.maxEntryCount, { min: 1, max: 1_000_000 }),
  ]
}

/** Answers by what was asked, for a while, and no more than so many. */
export class AnswerCache {
  readonly #settings: CacheSettings
  readonly #clock: PolicyClock
  /** The one that was not used for longest comes first. */
  readonly #entries = new Map<string, Entry>()

  constructor(settings: CacheSettings, clock: PolicyClock) {
    this.#settings = settings
    this.#clock = clock
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (this.#clock.nowMs() >= entry.endsAtMs) return undefined
    this.#entries.set(key, entry)
    return entry
  }

  set(key: string, answer: unknown): void {
    const { ttlMs, maxEntryCount } = this.#settings
    this.#entries.delete(key)
    this.#entries.set(key, { answer, endsAtMs: this.#clock.nowMs() + ttlMs })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > maxEntryCount && oldest !== undefined) this.#entries.delete(oldest)
  }
}

interface Entry {
  readonly answer: unknown
  readonly endsAtMs: number
}

/** Answers what was answered lately. Each caller has a copy of its own, because readers may change what they read. */
export function cacheStage(settings: CacheSettings, { clock, note }: PolicyParts, next: Stage): Stage {
  const cache = new AnswerCache(settings, clock)
  return async (asked) => {
    const key = askedKey(asked)
    const hit = cache.get(key)
    if (hit) {
      note({ operation: asked.operation.name, decision: 'cache_hit' })
      return structuredClone(hit.answer)
    }
    const answer = await next({ ...asked, key })
    cache.set(key, structuredClone(answer))
    return answer
  }
}
