import { hashOf, mixed } from './hash.ts'
import type { Target } from './target.ts'

/** What part of the instances one client calls. */
export interface SubsetOptions {
  /** How many of them. @remarks Range 1–10_000 */
  readonly instanceCount: number
}

/**
 * The instances that one client calls: always the same of the same list, others for another client, and when one comes or goes, at
 * most one changes.
 *
 * @param client What tells this client from others.
 * @see Thaler, Ravishankar, "Using Name-Based Mappings to Increase Hit Rates": rendezvous hashing
 */
export function subsetOf(
  targets: readonly Target[],
  { instanceCount, client }: SubsetOptions & { readonly client: string },
): readonly Target[] {
  if (targets.length <= instanceCount) return targets
  const seed = hashOf(client)
  const ranked = targets.map((target) => ({ target, rank: mixed(hashOf(target.address), seed) }))
  const least = ranked.toSorted((one, other) => one.rank - other.rank).slice(0, instanceCount)
  const chosen = new Set(least.map(({ target }) => target))
  return targets.filter((target) => chosen.has(target))
}
